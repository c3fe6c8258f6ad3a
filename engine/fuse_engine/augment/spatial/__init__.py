"""Augmentations that move pixels."""

from fuse_engine.augment.spatial.affine import Affine
from fuse_engine.augment.spatial.flip import Flip

__all__ = ["Affine", "Flip"]
