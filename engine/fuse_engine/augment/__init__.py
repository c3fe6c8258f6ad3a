"""Random changes of training samples: drawn, applied and recorded, each apart from the others."""

from fuse_engine.augment.base import Applied, Augmentation, Augmenter
from fuse_engine.augment.filter import Blur
from fuse_engine.augment.geometry import Affine, Flip
from fuse_engine.augment.intensity import Brightness, Contrast, Gamma, GaussianNoise

__all__ = [
    "Affine",
    "Applied",
    "Augmentation",
    "Augmenter",
    "Blur",
    "Brightness",
    "Contrast",
    "Flip",
    "Gamma",
    "GaussianNoise",
]
