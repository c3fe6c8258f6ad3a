"""Figures of single findings."""

from fuse_engine.metrics.detection.boxes import BoxDetection
from fuse_engine.metrics.detection.masks import MaskDetection

__all__ = ["BoxDetection", "MaskDetection"]
