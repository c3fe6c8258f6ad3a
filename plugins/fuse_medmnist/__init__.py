"""MedMNIST files as cohorts: the plugin to copy.

A plugin is a package that registers components when it is imported, and names itself in its `pyproject.toml`:

    [project.entry-points."fuse_engine.plugins"]
    medmnist = "fuse_medmnist"

After `pip install -e .` its components are in the forms, in YAML and in `fuse-gui catalog`, which also says why a
plugin could not be imported. `fuse_engine.testing.check_component` tests each of them.
"""

from fuse_medmnist.image import MedMNISTImage
from fuse_medmnist.source import MedMNIST

__all__ = ["MedMNIST", "MedMNISTImage"]
