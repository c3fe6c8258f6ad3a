"""Whole networks from image to label map."""

from fuse_engine.models.networks.unet import UNet

__all__ = ["UNet"]
