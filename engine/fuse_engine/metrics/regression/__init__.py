"""Figures of numbers a sample, and of its survival."""

from fuse_engine.metrics.regression.errors import MAE, MSE, R2, RMSE, Pearson, Spearman
from fuse_engine.metrics.regression.survival import CIndex

__all__ = ["MAE", "MSE", "R2", "RMSE", "CIndex", "Pearson", "Spearman"]
