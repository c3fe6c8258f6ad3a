"""Mammography: cropping and windowing, the biopsy task, and a phantom cohort to try everything on."""

from fuse_mammography.processors import BreastCrop, BreastWindow
from fuse_mammography.task import LabelTask

__all__ = ["BreastCrop", "BreastWindow", "LabelTask"]
