"""The table of samples that a run could not use: `failed.csv`, one row a sample with step and reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fuse_engine.core.files import atomic_write

COLUMNS = ("sample", "step", "reason")


def list_failed(path: Path, sample: str, step: str, reason: str) -> None:
    """Add a sample, unless it is listed; a continued run meets it again.

    Raises:
        OSError: when the table cannot be written.
    """
    rows = read_failed(path)
    if any(row["sample"] == sample for row in rows):
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, {"sample": sample, "step": step, "reason": reason}])
    atomic_write(path, text.getvalue().encode())


def read_failed(path: Path) -> list[dict[str, str]]:
    """Return the rows (sample, step, reason); none where no sample failed."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: row.get(name) or "" for name in COLUMNS} for row in csv.DictReader(file)]
