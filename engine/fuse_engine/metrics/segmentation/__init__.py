"""Figures of one class a pixel."""

from fuse_engine.metrics.segmentation.overlap import Dice, IoU, Overlap, PixelAccuracy
from fuse_engine.metrics.segmentation.pixel_auc import AUCPerPixel
from fuse_engine.metrics.segmentation.surface import HD95, Hausdorff, MeanSurfaceDistance, SurfaceDice

__all__ = [
    "HD95", "AUCPerPixel", "Dice", "Hausdorff", "IoU", "MeanSurfaceDistance", "Overlap", "PixelAccuracy",
    "SurfaceDice",
]  # fmt: skip
