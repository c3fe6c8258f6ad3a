"""Augmentations that change values where they are and leave label maps alone."""

from fuse_engine.augment.intensity.filter import Blur
from fuse_engine.augment.intensity.noise import GaussianNoise
from fuse_engine.augment.intensity.tone import Brightness, Contrast, Gamma

__all__ = ["Blur", "Brightness", "Contrast", "Gamma", "GaussianNoise"]
