"""What turns features into answers."""

from fuse_engine.models.heads.classifier import (
    GlobalPoolingClassifier,
    GlobalPoolingMultiLabel,
    GlobalPoolingRegression,
    GlobalPoolingSurvival,
)
from fuse_engine.models.heads.dense import DenseSegmentation
from fuse_engine.models.heads.tabular import TabularClassifier

__all__ = [
    "DenseSegmentation",
    "GlobalPoolingClassifier",
    "GlobalPoolingMultiLabel",
    "GlobalPoolingRegression",
    "GlobalPoolingSurvival",
    "TabularClassifier",
]
