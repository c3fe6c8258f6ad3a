"""Samples listed in a table file."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.cells import refuse_twins, text_column, text_table
from fuse_engine.data.source import Cohort, Source

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@register
class Table(Source):
    """Lists the samples in a CSV, TSV or Parquet file, one row each; paths in it start from its own folder."""

    path: Path
    """File that ends in .csv, .tsv or .parquet."""
    id: str = "id"
    """Column that names each sample."""
    group: str | None = None
    """Column whose equal values stay together in a split, e.g. the patient."""
    fold: str | None = None
    """Column that says which fold a sample belongs to; folds are made where empty."""

    def read(self, folder: Path) -> Cohort:
        """Return the samples; every cell is text, exactly as written.

        Raises:
            FuseError: naming file, line and column.
        """
        path = (folder / self.path).absolute()
        if not path.is_file():
            names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            raise FuseError(f"no file {path}", nearest=nearest(path.name, names))
        ending = path.suffix.lower()
        if ending == ".parquet":
            frame, place = _parquet(path), None
        elif ending in _SEPARATORS:
            separator = _SEPARATORS[ending]
            frame, place = _delimited(path, separator), lambda index: f"line {_line(path, separator, index)}"
        else:
            raise FuseError(f"cannot read {path.name}", expected="a .csv, .tsv or .parquet file", got=ending)
        try:
            return Cohort(frame, self.id, self.group, self.fold, path.parent, place)
        except FuseError as error:
            raise error.placed(source=path.name) from None


def _parquet(path: Path) -> pyarrow.Table:
    try:
        table = pyarrow.parquet.read_table(path, memory_map=False)
    except (OSError, pyarrow.ArrowException) as error:
        raise FuseError(f"{path.name} is not readable as Parquet", got=str(error).splitlines()[0]) from None
    refuse_twins(table.column_names, path.name)
    return text_table(table.to_pandas(types_mapper=_nullable))


def _nullable(kind: pyarrow.DataType) -> object:
    # without this an 18-digit id beside an empty cell would pass through a float and change
    return pd.ArrowDtype(kind) if pyarrow.types.is_integer(kind) else None


def _delimited(path: Path, separator: str) -> pyarrow.Table:
    # contours of a sample can be longer than the 128 KB that the csv module allows a cell
    csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [cells for cells in csv.reader(file, delimiter=separator, strict=True) if cells]
    except UnicodeDecodeError as error:
        raise FuseError(
            f"{path.name} is not UTF-8 text", expected="the file saved as UTF-8 (in Excel: 'CSV UTF-8')",
            got=f"byte 0x{error.object[error.start]:02x}",
        ) from None  # fmt: skip
    except csv.Error as error:
        raise FuseError(f"{path.name} is not a table: {error}") from None
    header = rows.pop(0) if rows else []
    _check_header(header, path, separator)
    if set(map(len, rows)) - {len(header)}:
        index = next(index for index, cells in enumerate(rows) if len(cells) != len(header))
        raise FuseError(
            "a row must have one cell for each column", source=f"{path.name}:{_line(path, separator, index)}",
            expected=f"{len(header)} cells", got=str(len(rows[index])),
        )  # fmt: skip
    return pyarrow.table({name: text_column([cells[place] for cells in rows], name) for place, name in enumerate(header)})


def _line(path: Path, separator: str, index: int) -> int:
    """Return the line on which a row begins; rows can span lines, and blank ones are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        start, count = 1, -2
        for cells in reader:
            count += bool(cells)
            if count == index and cells:
                break
            start = reader.line_num + 1
    return start


def _check_header(header: list[str], path: Path, separator: str) -> None:
    if not header:
        raise FuseError(f"{path.name} is empty", expected="a first line with the names of the columns")
    other = next((mark for mark in ";\t," if mark != separator and mark in header[0]), None)
    if len(header) == 1 and other:
        words = {";": "semicolons", "\t": "tabs", ",": "commas"}
        raise FuseError(
            f"{path.name} seems to be separated by {words[other]}", source=f"{path.name}:1",
            expected=f"{words.get(separator)} in a {path.suffix} file", got=header[0],
        )  # fmt: skip
    refuse_twins(header, f"{path.name}:1")
