"""Figures of one class a sample, or of several labels a sample."""

from fuse_engine.metrics.classification.agreement import (
    F1,
    MCC,
    NPV,
    PPV,
    Accuracy,
    BalancedAccuracy,
    ConfusionMatrix,
    Sensitivity,
    Specificity,
)
from fuse_engine.metrics.classification.calibration import BSS, CalibrationError, Reliability
from fuse_engine.metrics.classification.curve import ROC, OperatingPoint
from fuse_engine.metrics.classification.ranking import AUC, AUCPR, PartialAUC
from fuse_engine.metrics.classification.temperature import Temperature

__all__ = [
    "AUC", "AUCPR", "BSS", "F1", "MCC", "NPV", "PPV", "ROC", "Accuracy", "BalancedAccuracy", "CalibrationError",
    "ConfusionMatrix", "OperatingPoint", "PartialAUC", "Reliability", "Sensitivity", "Specificity", "Temperature",
]  # fmt: skip
