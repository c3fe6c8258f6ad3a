"""What is measured on samples: collected batch by batch, one row a sample, and summed up at the end."""

from fuse_engine.metrics.base import Metric
from fuse_engine.metrics.classification import AUC, Accuracy
from fuse_engine.metrics.segmentation import Dice, IoU

__all__ = ["AUC", "Accuracy", "Dice", "IoU", "Metric"]
