"""What training makes small: plain functions of tensors, with the keys they read as fields."""

from fuse_engine.losses.base import Loss
from fuse_engine.losses.classification import CrossEntropy
from fuse_engine.losses.focal import Focal
from fuse_engine.losses.segmentation import Dice, SegmentationCrossEntropy

__all__ = ["CrossEntropy", "Dice", "Focal", "Loss", "SegmentationCrossEntropy"]
