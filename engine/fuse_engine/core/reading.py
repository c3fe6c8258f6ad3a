"""Which file is being read right now, for the process that must name it when it kills its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Watch = Callable[[Path | None], None]

_watches: list[Watch] = []
_open: list[Path] = []


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Surround the reading of a stranger's file; the outermost of nested reads is the one that is told.

    Raises:
        FuseError: when a watch refuses the file.
    """
    outermost = not _open
    if outermost:
        _tell(path)
    _open.append(path)
    try:
        yield
    finally:
        _open.pop()
        if outermost:
            _tell(None)


def watch(tell: Watch) -> None:
    """Call `tell(path)` before every read and `tell(None)` after it, in this process."""
    _watches.append(tell)


def _tell(path: Path | None) -> None:
    for tell in _watches:
        tell(path)
