"""The samples that a person left out, each with the reason: a small table beside the experiment."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from fuse_engine.core.errors import FuseError
from fuse_engine.core.files import atomic_write, nearest_file

HEADER = ["id", "reason"]


def read_exclusions(path: Path) -> dict[str, str]:
    """Return the reason by the id of each sample that is left out.

    Raises:
        FuseError: naming file and line.
    """
    if not path.is_file():
        raise FuseError(f"no file {path}", nearest=nearest_file(path))
    found: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            _expect(next(rows, []) == HEADER, path, 1, ",".join(HEADER))
            for cells in filter(None, rows):
                _expect(len(cells) == len(HEADER) and bool(cells[0]), path, rows.line_num, "an id and a reason")
                _expect(cells[0] not in found, path, rows.line_num, f"every id once, '{cells[0]}' stands twice")
                found[cells[0]] = cells[1]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FuseError(f"{path.name} is not a table of excluded samples", got=str(error)) from None
    return found


def write_exclusions(path: Path, reasons: Mapping[str, str]) -> None:
    """Write the reason by the id of each sample that is left out; a reader sees the old table or the new one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows(reasons.items())
    atomic_write(path, text.getvalue().encode())


def _expect(holds: bool, path: Path, line: int, what: str) -> None:
    if not holds:
        raise FuseError("not a table of excluded samples", source=f"{path.name}:{line}", expected=what)
