"""Text tables: every cell exactly as written, or one message that names the line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.data.cells import refuse_twins, text_column

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
ENDINGS = tuple(_SEPARATORS)
"""Endings of text tables."""
_WORDS = {";": "semicolons", "\t": "tabs", ",": "commas"}
_BLOCK = (1 << 31) - 1
"""Bytes that pyarrow parses at once, as many as it can: almost every file whole."""
_STRETCH = 1 << 18
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


def read_delimited(path: Path) -> tuple[pa.Table, Callable[[int], str]]:
    """Return the cells of a .csv or .tsv file as text, and what says on which line a row begins.

    Raises:
        FuseError: naming file and line.
    """
    separator = _SEPARATORS[path.suffix.lower()]
    content = path.read_bytes()
    header = next(_rows(content, separator, path), [])
    _check_header(header, path, separator)
    table = _fast(content, separator, header) if _is_plain(content, separator) else None
    if table is None:
        table = _exact(content, separator, path)
    return table, lambda index: f"line {_line(content, separator, index)}"


def _is_plain(content: bytes, separator: str) -> bool:
    """Say whether pyarrow and the csv module must agree: quotes only around cells, no bare carriage return."""
    quoted, returns = b'"' in content, b"\r" in content
    if not quoted and not returns:
        return True
    padded = np.frombuffer(b"".join((b"\n", content.removeprefix(codecs.BOM_UTF8), b"\n")), np.uint8)
    return (not returns or _returns_begin_newlines(padded)) and (not quoted or _is_well_quoted(padded, separator))


def _returns_begin_newlines(padded: NDArray[np.uint8]) -> bool:
    return all((after == _NEWLINE).all() for _, after in _around(padded, _RETURN))


def _is_well_quoted(padded: NDArray[np.uint8], separator: str) -> bool:
    """Say whether every quote begins a cell, ends one, or is doubled inside one."""
    begins, ends = np.zeros(256, bool), np.zeros(256, bool)
    # the two halves of a doubled quote end the cell and begin it again
    begins[[ord(separator), _NEWLINE, _QUOTE]] = True
    ends[[ord(separator), _NEWLINE, _RETURN, _QUOTE]] = True
    count = 0
    for before, after in _around(padded, _QUOTE):
        first = count % 2
        if not begins[before[first::2]].all() or not ends[after[1 - first :: 2]].all():
            return False
        count += len(before)
    return count % 2 == 0


def _around(padded: NDArray[np.uint8], byte: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield the bytes before and after each place of a byte; a stretch at a time fits the processor's cache."""
    for start in range(1, len(padded) - 1, _STRETCH):
        stretch = padded[start - 1 : min(start + _STRETCH, len(padded) - 1) + 1]
        places = np.flatnonzero(stretch[1:-1] == byte)
        yield stretch[places], stretch[places + 2]


def _fast(content: bytes, separator: str, header: list[str]) -> pa.Table | None:
    """Return the table as pyarrow reads it; None for what needs a closer look."""
    if len(content) > _BLOCK and b'"' in content and b"\r" in content:
        return None  # where a block ends between carriage return and newline in a cell, pyarrow loses the newline
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            # one thread is as fast, and pyarrow's others can abort a process that ends soon after
            pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=False),
            pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=b'"' in content),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False, null_values=[]
            ),
        )
    except (pa.ArrowException, OSError):
        return None
    return table if table.column_names == header else None


def _exact(content: bytes, separator: str, path: Path) -> pa.Table:
    header, *rows = _rows(content, separator, path)
    if set(map(len, rows)) - {len(header)}:
        index = next(index for index, cells in enumerate(rows) if len(cells) != len(header))
        raise FuseError(
            "a row must have one cell for each column", source=f"{path.name}:{_line(content, separator, index)}",
            expected=f"{len(header)} cells", got=str(len(rows[index])),
        )  # fmt: skip
    columns = [[cells[place] for cells in rows] for place in range(len(header))]
    return pa.table([text_column(cells, name) for cells, name in zip(columns, header, strict=True)], header)


def _rows(content: bytes, separator: str, path: Path) -> Iterator[list[str]]:
    # contours of a sample can be longer than the 128 KB that the csv module allows a cell
    csv.field_size_limit(2**31 - 1)
    try:
        yield from filter(None, csv.reader(_lines(content), delimiter=separator, strict=True))
    except UnicodeDecodeError as error:
        raise FuseError(
            f"{path.name} is not UTF-8 text", expected="the file saved as UTF-8 (in Excel: 'CSV UTF-8')",
            got=f"byte 0x{error.object[error.start]:02x}",
        ) from None  # fmt: skip
    except csv.Error as error:
        raise FuseError(f"{path.name} is not a table: {error}") from None


def _lines(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _line(content: bytes, separator: str, index: int) -> int:
    """Return the line on which a row begins; rows can span lines, and blank ones are left out."""
    reader = csv.reader(_lines(content), delimiter=separator)
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
    other = next((mark for mark in _WORDS if mark != separator and mark in header[0]), None)
    if len(header) == 1 and other:
        raise FuseError(
            f"{path.name} seems to be separated by {_WORDS[other]}", source=f"{path.name}:1",
            expected=f"{_WORDS[separator]} in a {path.suffix} file", got=header[0],
        )  # fmt: skip
    refuse_twins(header, f"{path.name}:1")
