"""Which samples are trained on, validated with and tested."""

from fuse_engine.data.split.divide import divide
from fuse_engine.data.split.extra import EXTRA
from fuse_engine.data.split.folds import PARTS, Folds
from fuse_engine.data.split.leaks import shared_files
from fuse_engine.data.split.make import make_folds
from fuse_engine.data.split.saved import read_split, write_split

__all__ = ["EXTRA", "PARTS", "Folds", "divide", "make_folds", "read_split", "shared_files", "write_split"]
