"""Tables in Excel workbooks: every cell as text that loses nothing."""

from __future__ import annotations

import datetime
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import openpyxl
import pyarrow as pa
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.data.cells import refuse_twins, text_column

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_UNPACKED_LIMIT = 1 << 30
"""Bytes that a workbook may unpack to."""
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, SyntaxError, KeyError, IndexError, ValueError, TypeError,
    AttributeError, OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What zipfile, the XML parser and openpyxl raise over damaged files."""
_ROWS = 1_048_576
"""Rows that Excel can hold; a damaged file may claim more and would be read for hours."""


def read_workbook(path: Path, sheet: str | None) -> tuple[pa.Table, Callable[[int], str]]:
    """Return the cells of a sheet of an .xlsx file as text, and what says in which row of the sheet a row stands.

    Raises:
        FuseError: naming file, sheet and row.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validation rules that openpyxl does not know
            formulas = _check_archive(file, path.name)
            values = _rows(file, path.name, sheet, values=True)
            if formulas:
                _refuse_uncomputed(path.name, values, _rows(file, path.name, sheet, values=False))
    except _DAMAGED as error:
        raise FuseError(
            f"{path.name} is not readable as an Excel workbook", got=str(error).split("\n")[0]
        ) from None
    rows = {number: row for number, row in values.items() if _width(row)}
    if not rows:
        raise FuseError(f"{path.name} is empty", expected="a first row with the names of the columns")
    (first, header), *rest = rows.items()
    width = _width(header)
    names = [_text(value) for value in header[:width]]
    refuse_twins(names, f"{path.name}:{first}")
    for number, row in rest:
        if _width(row) > width:
            raise FuseError(
                "a cell stands beside the named columns", source=f"{path.name}:{number}",
                expected=f"{width} cells", got=str(_width(row)),
            )  # fmt: skip
    columns = [[_text(row[place]) if place < len(row) else "" for _, row in rest] for place in range(width)]
    table = pa.table([text_column(column, name) for column, name in zip(columns, names, strict=True)], names)
    return table, lambda index: f"row {rest[index][0]}"


def _check_archive(file: IO[bytes], name: str) -> bool:
    """Say whether a workbook holds formulas; refuse what is no plain workbook."""
    if file.read(len(_OLE)) == _OLE:
        raise FuseError(
            f"{name} is encrypted or an old .xls file", expected="it saved without a password as .xlsx"
        )
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
            raise FuseError(f"{name} holds macros", expected="it saved without them as .xlsx")
        size = sum(part.file_size for part in parts)
        if size > _UNPACKED_LIMIT:
            raise FuseError(
                f"{name} unpacks to {size / 2**30:.1f} GiB",
                expected=f"at most {_UNPACKED_LIMIT / 2**30:.0f} GiB; save it as .csv",
            )
        sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
        return any(_holds(archive, part, b"<f") for part in sheets)


def _holds(archive: zipfile.ZipFile, part: zipfile.ZipInfo, mark: bytes) -> bool:
    with archive.open(part) as file:
        tail = b""
        while block := file.read(1 << 20):
            if mark in tail + block:
                return True
            tail = block[-len(mark) :]
    return False


def _rows(file: IO[bytes], name: str, sheet: str | None, values: bool) -> dict[int, list[Any]]:
    """Return the rows that hold something by their number; with `values` what formulas made, else the formulas."""
    book = openpyxl.load_workbook(file, read_only=True, data_only=values)
    names = [page.title for page in book.worksheets]
    if not names:
        raise FuseError(f"{name} has no sheet with cells")
    if sheet is not None and sheet not in names:
        raise FuseError(
            f"no sheet '{sheet}' in {name}", expected=f"one of {', '.join(names)}", nearest=nearest(sheet, names)
        )
    page = book[sheet or names[0]]
    # writers are known to note a size that is too small, which would cut the table
    page.reset_dimensions()
    return {number: row for number, row in enumerate(map(_values, page.iter_rows(max_row=_ROWS)), 1) if row}


def _values(row: Iterable[Any]) -> list[Any]:
    """Return the values of a row's cells: None where there is nothing, empty text where a formula made it."""
    return [
        _padded(cell) if type(cell.value) is int else "" if cell.data_type == "str" else cell.value for cell in row
    ]


def _width(row: list[Any]) -> int:
    """Return how many cells there are up to the last that holds something."""
    return next((place for place in range(len(row), 0, -1) if row[place - 1] not in (None, "")), 0)


def _padded(cell: Any) -> str:
    """Return a whole number with the zeros that its cell shows: a format of `00000` makes 12 read 00012."""
    shown: str = cell.number_format
    return str(cell.value).zfill(len(shown)) if set(shown) == {"0"} else str(cell.value)


def _refuse_uncomputed(name: str, values: dict[int, list[Any]], formulas: dict[int, list[Any]]) -> None:
    """Refuse formulas whose values were never computed: they would read as empty cells."""
    for number, row in formulas.items():
        known = values.get(number, [])
        for place, text in enumerate(row):
            if _is_formula(text) and (place >= len(known) or known[place] is None):
                raise FuseError(
                    f"the formula in column {place + 1} was never computed", source=f"{name}:{number}",
                    expected="the workbook opened and saved in Excel, or values in place of formulas",
                )  # fmt: skip


def _is_formula(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith("=")
    return isinstance(value, ArrayFormula | DataTableFormula)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
