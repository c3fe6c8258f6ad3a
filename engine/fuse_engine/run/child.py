"""How a child process finds the same modules as this one, and no others."""

from __future__ import annotations

import sys
import sysconfig

PYTHON = (sys.executable, "-P")
"""-P keeps a file of the current folder from being taken for a library."""


def import_path() -> list[str]:
    """Return what this process added to Python's own import path."""
    own = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [part for part in sys.path if part and not part.startswith(tuple(own)) and not part.endswith(".zip")]
