"""Figures of one class a pixel."""

from fuse_engine.metrics.segmentation.overlap import Dice, IoU

__all__ = ["Dice", "IoU"]
