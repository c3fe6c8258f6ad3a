"""The files in a folder, without opening any of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuse_engine.core.errors import Problem
from fuse_engine.core.files import RUN_FILES


@dataclass
class Listing:
    """What lies in a folder."""

    folder: Path
    files: list[str] = field(default_factory=list)
    """Paths below the folder with slashes; hidden ones are left out."""
    remarks: list[Problem] = field(default_factory=list)
    """What was passed over, and why."""


def list_files(folder: Path) -> Listing:
    """Return every file below a folder, without the folders of runs.

    Links that lead out of it, and links to folders, are passed over.
    """
    listing = Listing(folder)
    root = Path(os.path.realpath(folder))
    waiting = [""]
    while waiting:
        place = waiting.pop()
        for entry in _entries(folder, place, listing):
            path = place + entry.name
            if entry.is_symlink():
                reason = _refusal(folder / path, root)
                if reason:
                    listing.remarks.append(Problem(f"'{path}' {reason}", where="unmatched"))
                    continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            elif entry.is_file():
                listing.files.append(path)
    return listing


def _entries(folder: Path, place: str, listing: Listing) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder / place))
    except OSError as error:
        listing.remarks.append(
            Problem(f"the folder '{place}' cannot be read", got=str(error.strerror), where="unreadable")
        )
        return
    if place and RUN_FILES.issubset(entry.name for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
            listing.remarks.append(Problem(f"the name of '{place}{shown}' is not UTF-8", where="unreadable"))
            continue
        yield entry


def _refusal(path: Path, root: Path) -> str:
    target = Path(os.path.realpath(path))
    if not target.exists():
        return "is a link to nothing"
    if not target.is_relative_to(root):
        return "is a link that leaves the folder"
    return "is a link to a folder" if target.is_dir() else ""
