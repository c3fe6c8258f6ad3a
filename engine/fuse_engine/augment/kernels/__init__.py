"""Loops over pixels, compiled once and kept on disk; every one is tested against a slow plain reference.

They are kept beside their sources, or where these cannot be written, as root installed them, in FuseGUI's cache.
"""

from __future__ import annotations

import os
from pathlib import Path

import numba

from fuse_engine.core.files import cache_dir

if not os.access(Path(__file__).parent, os.W_OK) and not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_dir() / "loops")  # type: ignore[attr-defined]
