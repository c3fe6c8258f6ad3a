"""Arrays between two processes: files in memory, in a folder that only the two of them know.

Plain files in `/dev/shm` rather than `multiprocessing.shared_memory`: no resource tracker process, a full
memory file system is an error instead of a SIGBUS, and one listing shows what is left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

PREFIX = "fuse-arrays-"
_LOCK = ".owner"
_LARGE = 1 << 20
"""Bytes of a file from which its array is not copied."""
_YOUNG = 60.0
"""Seconds for which a folder without a lock may belong to a process that is about to lock it."""


def memory_folder() -> Path:
    """Return where files live in memory, or the temporary folder on systems that have no such place."""
    shared = Path("/dev/shm")  # noqa: S108 the folders made in it are private (mode 0700)
    return shared if shared.is_dir() else Path(tempfile.gettempdir())


class ArrayFolder:
    """The side of the client: owns the folder of one worker, takes arrays out of it."""

    def __init__(self) -> None:
        """Make a private folder and remove those of owners that are gone."""
        sweep(memory_folder())
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=memory_folder()))
        self._lock = FileLock(self.path / _LOCK, thread_local=False)
        self._lock.acquire()

    def take(self, name: str) -> NDArray[Any]:
        """Return an array and remove its file; the array belongs to the caller."""
        path = self.path / name
        # a large one stays where it lies in memory: a copy would cost as much as making it did
        where_it_lies = os.name != "nt" and path.stat().st_size > _LARGE
        array: NDArray[Any] = np.load(path, mmap_mode="c" if where_it_lies else None, allow_pickle=False)
        path.unlink()
        return np.asarray(array)

    def discard(self, name: str) -> None:
        """Remove an array that nobody waits for."""
        (self.path / name).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder and what a worker that died left in it."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


def put(folder: Path, array: NDArray[Any]) -> str:
    """Write an array for the other side and return its name.

    Raises:
        OSError: when the memory is full.
        ValueError: for an array of Python objects.
    """
    name = f"{uuid.uuid4().hex}.npy"
    path = folder / name
    try:
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return name


def sweep(parent: Path) -> None:
    """Remove the folders whose owner ended without doing so."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNG:
                continue
            with FileLock(folder / _LOCK, timeout=0):
                pass
        except (Timeout, OSError):  # alive, someone else's, or just removed
            continue
        shutil.rmtree(folder, ignore_errors=True)
