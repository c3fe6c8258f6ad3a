"""Augmentations that change values where they are and leave label maps alone."""

from fuse_engine.augment.intensity.background import BackgroundReplacement
from fuse_engine.augment.intensity.bias import BiasField
from fuse_engine.augment.intensity.colour import ColourJitter, Grayscale
from fuse_engine.augment.intensity.edges import DirectedEdgeDetect, EdgeDetect, Emboss
from fuse_engine.augment.intensity.erase import CoarseDropout, Cutout, Dropout
from fuse_engine.augment.intensity.filter import AverageBlur, Blur, MedianBlur, Sharpen
from fuse_engine.augment.intensity.kspace import Gibbs, KSpaceSpike
from fuse_engine.augment.intensity.motion import Ghosting, Motion
from fuse_engine.augment.intensity.noise import (
    AddElementwise,
    GaussianNoise,
    MultiplyElementwise,
    PoissonNoise,
    RicianNoise,
    SaltAndPepper,
    SpeckleNoise,
)
from fuse_engine.augment.intensity.resolution import Anisotropy, LowResolution
from fuse_engine.augment.intensity.swap import Swap
from fuse_engine.augment.intensity.tone import Brightness, Contrast, Gamma, HistogramShift, Invert, Multiply
from fuse_engine.augment.intensity.window import Clip, WindowJitter

__all__ = [
    "AddElementwise",
    "Anisotropy",
    "AverageBlur",
    "BackgroundReplacement",
    "BiasField",
    "Blur",
    "Brightness",
    "Clip",
    "CoarseDropout",
    "ColourJitter",
    "Contrast",
    "Cutout",
    "DirectedEdgeDetect",
    "Dropout",
    "EdgeDetect",
    "Emboss",
    "Gamma",
    "GaussianNoise",
    "Ghosting",
    "Gibbs",
    "Grayscale",
    "HistogramShift",
    "Invert",
    "KSpaceSpike",
    "LowResolution",
    "MedianBlur",
    "Motion",
    "Multiply",
    "MultiplyElementwise",
    "PoissonNoise",
    "RicianNoise",
    "SaltAndPepper",
    "Sharpen",
    "SpeckleNoise",
    "Swap",
    "WindowJitter",
]
