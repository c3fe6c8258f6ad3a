"""`fuse-gui convert`: a table from one kind of file into another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuse_engine.cli.options import OK, Subparsers, add_command

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES = """\
  fuse-gui convert experiment.pkl cohort.parquet
  fuse-gui convert patients.xlsx cohort.csv --sheet Baseline
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "convert", "write a table as Parquet, CSV or TSV, all text", EXAMPLES, run)
    kinds = ".pkl (nothing in it is run), .xlsx, .csv, .tsv or .parquet"
    parser.add_argument("table", type=Path, metavar="TABLE", help=kinds)
    parser.add_argument("file", type=Path, metavar="FILE", help="file to write: .parquet, .csv or .tsv")
    parser.add_argument("--sheet", metavar="NAME", help="sheet of an Excel file (default: the first)")
    parser.add_argument("--force", action="store_true", help="write over FILE")


def run(options: argparse.Namespace) -> int:
    """Write the table; cells stay as they are written."""
    from fuse_engine.data.export import check_target, write_table

    path: Path = options.file
    check_target(path, options.force)
    table = _read(options.table, options.sheet)
    changed = write_table(path, table)
    print(path)
    if changed:
        print(f"{changed} cells that a spreadsheet would run as formulas now begin with '", file=sys.stderr)
    return OK


def _read(path: Path, sheet: str | None) -> pa.Table:
    from fuse_engine.data.inert import ENDINGS
    from fuse_engine.data.inert import read_table as read_pickled
    from fuse_engine.data.sources.table import read_table, table_file

    found = table_file(Path(), path)
    if found.name.lower().endswith(ENDINGS):
        return read_pickled(found)
    table, _ = read_table(found, sheet)
    return table
