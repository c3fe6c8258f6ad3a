"""What turns features into answers."""

from fuse_engine.models.heads.classifier import GlobalPoolingClassifier
from fuse_engine.models.heads.dense import DenseSegmentation

__all__ = ["DenseSegmentation", "GlobalPoolingClassifier"]
