"""Files that are whole or not there, and the user's folders."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import platformdirs

from fuse_engine.core.errors import nearest

PARTIAL = ".part-"
"""Start of the name of every file that is still being written."""
RUN_FILES = frozenset(("experiment.yaml", "submit.json"))
"""Names by which the folder of a run is known: what a run wrote is no sample of a folder that holds it."""


def nearest_file(path: Path) -> str:
    """Return the name of the file beside `path` that looks most like it, or an empty text."""
    if not path.parent.is_dir():
        return ""
    names = [item.name for item in path.parent.iterdir() if item.is_file()]
    stem = nearest(_stem(path.name), map(_stem, names))
    return nearest(path.name, (name for name in names if stem and _stem(name) == stem))


def _stem(name: str) -> str:
    """Return a name without its ending, which would make any two names look alike; `1.2.3` has none."""
    rest, mark, ending = name.rpartition(".")
    return _stem(rest) if mark and rest and ending.isalpha() else name


def atomic_write(path: Path, content: bytes | Callable[[IO[bytes]], object], durable: bool = True) -> None:
    """Write `path` so that a reader, a kill or a power cut sees the old or the new content, never a part.

    `content` is the bytes, or a function that writes them to the open file. What is not `durable` may be
    damaged by a power cut: only for content that is verified when read and can be computed again.
    """
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content) if isinstance(content, bytes) else content(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write plain data atomically, readable by a person."""
    atomic_write(path, json.dumps(value, indent=1, allow_nan=False).encode() + b"\n")


def read_json(path: Path) -> Any:
    """Return the plain data in `path`."""
    return json.loads(path.read_text(encoding="utf-8"))


def sweep_partial(folder: Path) -> None:
    """Remove what writers that were killed left behind; only while holding the folder's lock."""
    for path in folder.glob(f"{PARTIAL}*"):
        path.unlink(missing_ok=True)


def cache_dir() -> Path:
    """Return the folder for what can be computed again; `FUSE_CACHE` overrides it."""
    path = Path(os.environ.get("FUSE_CACHE") or platformdirs.user_cache_dir("fuse-gui"))
    path.mkdir(parents=True, exist_ok=True)
    return path
