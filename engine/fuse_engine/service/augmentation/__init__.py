"""Previews of augmentation, in the worker."""
