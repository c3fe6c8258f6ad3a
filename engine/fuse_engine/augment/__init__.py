"""Random changes of training samples: drawn, applied and recorded, each apart from the others."""

from fuse_engine.augment.augmenter import Augmenter
from fuse_engine.augment.base import Applied, Augmentation, Intensity, Operation, Spatial
from fuse_engine.augment.combine import Maybe, OneOf, PerChannel, Repeat, Sequential, SomeOf
from fuse_engine.augment.intensity import Blur, Brightness, Contrast, Gamma, GaussianNoise
from fuse_engine.augment.spatial import Affine, Flip

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
    "Intensity",
    "Maybe",
    "OneOf",
    "Operation",
    "PerChannel",
    "Repeat",
    "Sequential",
    "SomeOf",
    "Spatial",
]
