"""Whether a file is still the one that was seen before."""

from __future__ import annotations

import os
from pathlib import Path


def identity(path: Path | str) -> list[int]:
    """Return modification time in ns and size in bytes; empty for a file that is not there."""
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [facts.st_mtime_ns, facts.st_size]


def tree_identity(folder: Path, limit: int = 10_000) -> list[int]:
    """Return what changes when a file comes or goes below a folder; only `limit` folders are looked at."""
    count = newest = 0
    for place, _, _ in os.walk(folder):
        count += 1
        newest = max(newest, *identity(place)[:1], 0)
        if count == limit:
            break
    return [newest, count]
