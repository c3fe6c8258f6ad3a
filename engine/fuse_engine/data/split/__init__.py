"""Which samples are trained on, validated with and tested."""

from fuse_engine.data.split.folds import PARTS, Folds
from fuse_engine.data.split.make import make_folds

__all__ = ["PARTS", "Folds", "make_folds"]
