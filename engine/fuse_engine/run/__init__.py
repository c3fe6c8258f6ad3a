"""A run: a folder, the process that fills it, and what is made of it afterwards.

`folder`, `status`, `events`, `process`, `executors`, `lock` and `control` know no torch, so that a window may
import them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuse_engine.run.process import kill, resume, start, stop, wait

__all__ = ["kill", "resume", "start", "stop", "wait"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fuse_engine.run' has no attribute '{name}'")
    return getattr(importlib.import_module("fuse_engine.run.process"), name)
