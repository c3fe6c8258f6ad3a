"""Augmentations that move pixels."""

from fuse_engine.augment.spatial.affine import Affine
from fuse_engine.augment.spatial.deform import Elastic, FreeForm, GridDistortion
from fuse_engine.augment.spatial.flip import Flip, Rotate90
from fuse_engine.augment.spatial.window import Crop, CropResize, Pad, Zoom

__all__ = [
    "Affine", "Crop", "CropResize", "Elastic", "Flip", "FreeForm", "GridDistortion", "Pad", "Rotate90", "Zoom",
]  # fmt: skip
