"""Figures of one class a sample."""

from fuse_engine.metrics.classification.auc import AUC, Accuracy

__all__ = ["AUC", "Accuracy"]
