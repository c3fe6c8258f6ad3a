"""Where processed samples are kept, so that each is computed once."""

from fuse_engine.data.cache.base import Cache, Off
from fuse_engine.data.cache.disk import Disk
from fuse_engine.data.cache.memory import Memory

__all__ = ["Cache", "Disk", "Memory", "Off"]
