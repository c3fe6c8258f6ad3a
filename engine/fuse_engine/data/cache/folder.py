"""The folder of kept samples: what is in it, what is ours, and making room."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fuse_engine.core.errors import FuseError
from fuse_engine.core.files import PARTIAL

T = TypeVar("T")
_log = logging.getLogger(__name__)
JOURNALS = "journal"
"""Folder of the records of what entries were made of."""
_SHELF = re.compile(r"[0-9a-f]{1,2}")
_NAME = re.compile(r"[0-9a-f]{64}")
_RECORD = re.compile(r"[0-9a-f]{16}\.jsonl")
_STALE = 300.0
"""Seconds after which a file that is still being written is one whose writer was killed."""


@dataclass(frozen=True)
class Stored:
    """An entry as a file."""

    used: float
    """When a process last began to use it, seconds since 1970."""
    size: int
    """Bytes it takes on the disk."""
    path: Path


def path_of(folder: Path, fingerprint: str) -> Path:
    """Return the file of an entry."""
    return folder / fingerprint[0] / fingerprint


def journal_path(folder: Path, name: str) -> Path:
    """Return the file of a record."""
    return folder / JOURNALS / f"{name}.jsonl"


def journals(folder: Path) -> list[Path]:
    """Return the files of all records."""
    return [Path(item.path) for item in _scan(folder / JOURNALS) if _RECORD.fullmatch(item.name)]


def below(path: Path, write: Callable[[], T]) -> T:
    """Write something, after making the folder of `path` where that is missing.

    Raises:
        OSError: when it cannot be written.
    """
    try:
        return write()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write()


def disk_bytes(status: os.stat_result) -> int:
    """Return what a file takes on the disk: whole blocks."""
    return max(status.st_size, getattr(status, "st_blocks", 0) * 512)


def stored(folder: Path) -> list[Stored]:
    """Return the entries, those used longest ago first."""
    found = []
    for item in _files(folder):
        if _NAME.fullmatch(item.name):
            with suppress(FileNotFoundError):  # another process made room
                status = item.stat(follow_symlinks=False)
                found.append(Stored(status.st_mtime, disk_bytes(status), Path(item.path)))
    return sorted(found, key=lambda entry: entry.used)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left behind."""
    for item in _files(folder):
        if item.name.startswith(PARTIAL):
            with suppress(FileNotFoundError):
                if time.time() - item.stat(follow_symlinks=False).st_mtime > _STALE:
                    remove(Path(item.path))


def prune(entries: Iterable[Stored], room: float) -> list[Stored]:
    """Remove entries, longest unused first, until the others take at most `room` bytes; return what went."""
    every = sorted(entries, key=lambda entry: entry.used)
    total, gone = sum(entry.size for entry in every), []
    for entry in every:
        if total <= room:
            break
        if remove(entry.path):
            total -= entry.size
            gone.append(entry)
    return gone


def remove(path: Path) -> bool:
    """Remove a file; say whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("cannot remove %s: %s", path, error)
        return False
    return True


def refuse_strangers(folder: Path) -> None:
    """Refuse a folder in which something is no part of a cache: it may be the user's own.

    Raises:
        FuseError: naming what does not belong there.
    """
    for item in _scan(folder):
        shelf = item.is_dir(follow_symlinks=False)
        if not shelf or not (_SHELF.fullmatch(item.name) or item.name == JOURNALS):
            raise _stranger(folder, item)
        known = _RECORD if item.name == JOURNALS else _NAME
        for file in _scan(Path(item.path)):
            ours = known.fullmatch(file.name) or file.name.startswith(PARTIAL)
            if not ours or not file.is_file(follow_symlinks=False):
                raise _stranger(folder, file)


def _stranger(folder: Path, item: os.DirEntry[str]) -> FuseError:
    return FuseError(
        f"{folder} holds what is no cached sample", expected="a folder of cached samples and nothing else",
        got=str(Path(item.path).relative_to(folder)),
    )  # fmt: skip


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    for shelf in _scan(folder):
        if _SHELF.fullmatch(shelf.name) and shelf.is_dir(follow_symlinks=False):
            yield from (item for item in _scan(Path(shelf.path)) if item.is_file(follow_symlinks=False))


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return list(items)
    except FileNotFoundError:
        return []
