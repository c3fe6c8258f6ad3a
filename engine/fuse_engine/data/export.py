"""Tables of text as files for others: Parquet, and CSV that a spreadsheet opens without running what is in it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fuse_engine.core.errors import FuseError
from fuse_engine.core.files import atomic_write
from fuse_engine.core.spreadsheet import guarded

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
ENDINGS = (".parquet", *_SEPARATORS)
"""Endings of the files that are written."""


def check_target(path: Path, force: bool = False) -> None:
    """Check that a table can be written to a file before it is made.

    Raises:
        FuseError: for another ending, a folder that is not there, or a file that is there unless `force`.
    """
    if path.suffix.lower() not in ENDINGS:
        raise FuseError(f"cannot write {path.name}", expected=f"a file that ends in {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise FuseError(f"no folder {path.parent}")
    if path.exists() and not force:
        raise FuseError(f"{path} is there already", expected="another name, or --force")


def write_table(path: Path, table: pa.Table) -> int:
    """Write a table of text atomically; return how many cells were changed.

    In CSV and TSV a cell that a spreadsheet would take for a formula, and that is no number, gets a ' before it.
    """
    separator = _SEPARATORS.get(path.suffix.lower())
    if separator is None:
        atomic_write(path, lambda file: pq.write_table(table, file))
        return 0
    changed = 0
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(map(guarded, table.column_names))
    for batch in table.to_batches(max_chunksize=10_000):
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            safe = [guarded(cell) for cell in cells]
            changed += sum(cell != kept for cell, kept in zip(safe, cells, strict=True))
            writer.writerow(safe)
    atomic_write(path, text.getvalue().encode())
    return changed
