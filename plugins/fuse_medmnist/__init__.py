"""MedMNIST files as cohorts: the plugin to copy.

A plugin is a package that registers components when it is imported, and one line in its setup:
`fuse_engine.plugins = medmnist = fuse_medmnist`.
"""

from fuse_medmnist.image import MedMNISTImage
from fuse_medmnist.source import MedMNIST

__all__ = ["MedMNIST", "MedMNISTImage"]
