"""The fast reader and the exact one agree on every text, or the fast one steps back."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuse_engine.core.errors import FuseError
from fuse_engine.data.sources import delimited

PIECES = [
    b"a", b",", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b" ", b"\t", b"\0", b"NA", b"'", b"\\", b"\xff",
    "é\u2028\x85".encode(), b"\xef\xbb\xbf", b"\xed\xa0\x80",
]  # fmt: skip
NOISE = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
CELL = st.text(alphabet='a,"\n\r é0', max_size=4)
TABLE = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8)
)
SIZES = st.sampled_from([1, 3, 1 << 18]), st.sampled_from([16, 64, 1 << 22])


def outcome(path: Path) -> object:
    try:
        table, place = delimited.read_delimited(path)
    except FuseError as error:
        return str(error)
    return table.column_names, [list(row.values()) for row in table.to_pylist()], place(0) if len(table) else ""


def compare(path: Path, content: bytes, stretch: int, block: int) -> None:
    """Read once as it is, with small stretches that cut everywhere, and once by the csv module alone."""
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_STRETCH", stretch)
        patch.setattr(delimited, "_BLOCK", block)
        found = outcome(path)
        patch.setattr(delimited, "_fast", lambda *arguments: None)
        assert found == outcome(path)


@settings(max_examples=500, deadline=None)
@given(NOISE, *SIZES)
def test_noise(tmp_path_factory: pytest.TempPathFactory, content: bytes, stretch: int, block: int) -> None:
    compare(tmp_path_factory.getbasetemp() / "noise.csv", content, stretch, block)


@settings(max_examples=250, deadline=None)
@given(TABLE, st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")]), *SIZES)
def test_tables(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    style: tuple[int, str],
    stretch: int,
    block: int,
) -> None:
    text = io.StringIO(newline="")
    header = [f"c{n}" for n in range(len(rows[0]) if rows else 2)]
    csv.writer(text, quoting=style[0], lineterminator=style[1]).writerows([header, *rows])
    path = tmp_path_factory.getbasetemp() / "tables.csv"
    compare(path, text.getvalue().encode(), stretch, block)
    assert delimited.read_delimited(path)[0].to_pylist() == [dict(zip(header, row, strict=True)) for row in rows]


def test_a_line_break_in_a_cell_stays_whole_where_a_block_ends(tmp_path: Path) -> None:
    """In a block of 16 bytes pyarrow would read `0` and a carriage return, without the newline."""
    compare(tmp_path / "broken.csv", b'"c0","c1"\n"","0\r\n"\n', 1 << 18, 16)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('a,b\n"x","y""z"\n', True), ('a,b\n"x\n1",""\n', True), ('a,b\nx"y,z\n', False), ('a,b\n"x"y,z\n', False),
        ('a,b\n"x,z\n', False), ("a,b\rx,y\r", False), ("a,b\r\nx,y\r\n", True), ('a,b\n""""\n', True),
    ],
)  # fmt: skip
def test_what_goes_the_fast_way(text: str, plain: bool) -> None:
    assert delimited._is_plain(text.encode(), ",") is plain


def test_reading_leaves_no_crowd_of_threads(tmp_path: Path) -> None:
    """Those that pyarrow starts for its blocks abort a process that ends while they do."""
    (tmp_path / "table.csv").write_text("id,age\n1,2\n")
    code = """
import os
from pathlib import Path
from fuse_engine.data.sources.delimited import read_delimited
before = len(os.listdir("/proc/self/task"))
read_delimited(Path("table.csv"))
print(len(os.listdir("/proc/self/task")) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 1  # the one that reads ahead
