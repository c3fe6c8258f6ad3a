"""One process at a time owns a run folder; the system frees the lock when that process dies."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

from fuse_engine.core.errors import RunError

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Holds `.lock` in a run folder for as long as the `with` block lasts.

    Raises:
        RunError: when another process still holds it after `patience` seconds.
    """

    def __init__(self, folder: Path, patience: float = 10.0) -> None:
        """Take the folder; loaders of a killed run may keep the lock for a few seconds."""
        self._path, self._patience = folder / ".lock", patience
        self._handle = -1

    def __enter__(self) -> Lock:
        """Wait for the lock."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        end = time.monotonic() + self._patience
        while True:
            try:
                _take(self._handle)
                return self
            except OSError:
                if time.monotonic() > end:
                    self.close()
                    raise RunError(f"run {self._path.parent.name} is held by another process") from None
            time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock."""
        self.close()

    def close(self) -> None:
        """Close the file; a forked loader calls this too, else it would keep the lock of a killed run."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
