"""Samples listed in a table file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.source import Cohort, Source, as_text, refuse_twins

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
            frame, places = _parquet(path), None
        elif ending in _SEPARATORS:
            frame, places = _delimited(path, _SEPARATORS[ending])
        else:
            raise FuseError(f"cannot read {path.name}", expected="a .csv, .tsv or .parquet file", got=ending)
        try:
            return Cohort(frame, self.id, self.group, self.fold, path.parent, places)
        except FuseError as error:
            raise error.placed(source=path.name) from None


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pyarrow.parquet.read_table(path, memory_map=False)
    except (OSError, pyarrow.ArrowException) as error:
        raise FuseError(f"{path.name} is not readable as Parquet", got=str(error).splitlines()[0]) from None
    refuse_twins(table.column_names, path.name)
    return as_text(table.to_pandas(types_mapper=_nullable))


def _nullable(kind: pyarrow.DataType) -> object:
    # without this an 18-digit id beside an empty cell would pass through a float and change
    return pd.ArrowDtype(kind) if pyarrow.types.is_integer(kind) else None


def _delimited(path: Path, separator: str) -> tuple[pd.DataFrame, list[str]]:
    # contours of a sample can be longer than the 128 KB that the csv module allows a cell
    csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _lines(csv.reader(file, delimiter=separator, strict=True))
            _, header = next(lines, (0, []))
            _check_header(header, path, separator)
            rows = [(number, cells) for number, cells in lines if _fits(number, cells, header, path)]
    except UnicodeDecodeError as error:
        raise FuseError(
            f"{path.name} is not UTF-8 text", expected="the file saved as UTF-8 (in Excel: 'CSV UTF-8')",
            got=f"byte 0x{error.object[error.start]:02x}",
        ) from None  # fmt: skip
    except csv.Error as error:
        raise FuseError(f"{path.name} is not a table: {error}") from None
    columns = {name: [cells[index] for _, cells in rows] for index, name in enumerate(header)}
    return pd.DataFrame(columns, dtype="str"), [f"line {number}" for number, _ in rows]


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line; rows can span lines, blank ones are left out."""
    start = 1
    for cells in reader:
        if cells:
            yield start, cells
        start = reader.line_num + 1  # type: ignore[attr-defined]


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


def _fits(number: int, cells: list[str], header: list[str], path: Path) -> bool:
    if len(cells) != len(header):
        raise FuseError(
            "a row must have one cell for each column", source=f"{path.name}:{number}",
            expected=f"{len(header)} cells", got=str(len(cells)),
        )  # fmt: skip
    return True
