"""Mammography: reading, the biopsy task, and a phantom cohort to try everything on."""

from fuse_mammography.processors import BreastWindow, LoadMammogram
from fuse_mammography.task import LabelTask

__all__ = ["BreastWindow", "LabelTask", "LoadMammogram"]
