"""Looks through a folder for DICOM files; what it learns is kept, so a second look reads only what changed."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fuse_engine.core.errors import SampleError
from fuse_engine.core.files import RUN_FILES, atomic_write, cache_dir
from fuse_engine.core.reading import reading
from fuse_engine.data.dicom.facts import Facts, facts_of
from fuse_engine.data.dicom.header import Beginning, read_beginning

_log = logging.getLogger(__name__)
_FORMAT = "1"
"""Another one makes all scans anew."""
_THREADS = 8
_PIECE = 32
"""Files that a thread reads at once."""
_COLUMNS = tuple(item.name for item in fields(Facts))

Seen = tuple[int, int]
"""Size and modification time (ns) of a file."""


@dataclass(frozen=True)
class Scan:
    """What lies in a folder and in all folders below it."""

    facts: list[Facts]
    skipped: Counter[str] = field(default_factory=Counter)
    """How many entries were not looked at, by the reason."""
    linked: set[str] = field(default_factory=set)
    """Folders in which links lie."""


def scan(root: Path, keywords: Sequence[str] = (), patient_id: bool = False) -> Scan:
    """Read the headers below `root`; links that lead out of it, and folders that are links, are not followed."""
    found = Scan([])
    there = dict(_listed(root, found))
    kept = _Kept(root, keywords, patient_id)
    known = kept.read()
    new = [file for file, seen in there.items() if file not in known or known[file][0] != seen]
    looked = {}
    for file, beginning in _ahead(root, new):
        try:
            with reading(root / file):
                looked[file] = facts_of(root / file, file, keywords, patient_id, beginning)
        except SampleError as error:  # this file ended its reader before
            looked[file] = Facts(file, "broken", str(error))
    found.facts.extend(looked[file] if file in looked else known[file][1] for file in there)
    if new or len(known) != len(there):
        kept.write(found.facts, there)
    return found


def _ahead(root: Path, files: Sequence[str]) -> Iterator[tuple[str, Beginning | None]]:
    """Yield the beginning of each file; threads read ahead, for what takes long on a distant disk is the way."""
    pieces = [files[start : start + _PIECE] for start in range(0, len(files), _PIECE)]
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque[Future[list[Beginning | None]]]()
        for number, piece in enumerate(pieces):
            while len(waiting) < 2 * _THREADS and number + len(waiting) < len(pieces):
                waiting.append(pool.submit(_beginnings, root, pieces[number + len(waiting)]))
            yield from zip(piece, waiting.popleft().result(), strict=True)


def _beginnings(root: Path, files: Sequence[str]) -> list[Beginning | None]:
    found: list[Beginning | None] = []
    for file in files:
        try:
            found.append(read_beginning(root / file))
        except OSError:
            found.append(None)
    return found


def _listed(root: Path, found: Scan) -> Iterator[tuple[str, Seen]]:
    """Yield the files below a folder, with what tells whether one has changed, in the order of their names."""
    skipped = found.skipped
    inside = os.path.realpath(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            skipped["folders that cannot be opened"] += 1
            continue
        if folder and RUN_FILES.issubset(entry.name for entry in listed):
            continue
        below = []
        for entry in listed:
            file = f"{folder}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                found.linked.add(folder.rstrip("/"))
            reason = _unwanted(entry, inside)
            if reason:
                skipped[reason] += 1
            elif entry.is_dir(follow_symlinks=False):
                below.append(f"{file}/")
            elif entry.is_file():
                status = entry.stat()
                yield file, (status.st_size, status.st_mtime_ns)
        folders.extend(reversed(below))


def _unwanted(entry: os.DirEntry[str], inside: str) -> str:
    """Return why an entry is not looked at."""
    try:
        entry.name.encode("utf-8")
    except UnicodeEncodeError:
        return "names that are not UTF-8"
    if not entry.is_symlink():
        return ""
    if entry.is_dir():
        return "folders that are links"
    target = os.path.realpath(entry.path)
    if os.path.commonpath((inside, target)) != inside or not os.path.exists(target):
        return "links that lead out of the folder or nowhere"
    return ""


class _Kept:
    """The file that holds the last scan of a folder; its name says nothing about what lies in it."""

    def __init__(self, root: Path, keywords: Sequence[str], patient_id: bool) -> None:
        parts = [_FORMAT, *_COLUMNS, os.path.realpath(root), *keywords, str(patient_id)]
        name = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
        self._path = cache_dir() / "dicom" / name

    def read(self) -> dict[str, tuple[Seen, Facts]]:
        """Return what is known about each file; nothing where nothing was kept."""
        try:
            table = pq.read_table(self._path, memory_map=False)
            columns = [table[name].to_pylist() for name in ("bytes", "time", *_COLUMNS)]
        except FileNotFoundError:
            return {}
        except (OSError, KeyError, pa.ArrowException) as error:
            _log.warning("the kept scan %s is damaged and is made again: %s", self._path.name, error)
            return {}
        return {facts[0]: ((size, time), Facts(*facts)) for size, time, *facts in zip(*columns, strict=True)}

    def write(self, facts: Sequence[Facts], there: dict[str, Seen]) -> None:
        """Keep a scan."""
        columns = [pa.array([getattr(item, name) for item in facts], pa.string()) for name in _COLUMNS]
        numbers = [pa.array([there[item.file][place] for item in facts], pa.int64()) for place in (0, 1)]
        table = pa.table([*numbers, *columns], ["bytes", "time", *_COLUMNS])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._path, lambda file: pq.write_table(table, file, compression="zstd"), durable=False)
        except OSError as error:
            _log.warning("the scan of a folder could not be kept: %s", error)
