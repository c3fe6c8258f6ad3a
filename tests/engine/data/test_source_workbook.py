"""Excel workbooks: every cell as the text that its reader sees, or one clear message."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.data import Table
from fuse_engine.data.sources import workbook


def save(path: Path, rows: list[list[Any]], change: Callable[[Any], object] = lambda book: None) -> Table:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book)
    book.save(path)
    return Table(path=Path(path.name))


def edit(old: Path, new: Path, pattern: bytes, text: bytes) -> None:
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as target:
        sheet = "xl/worksheets/sheet1.xml"
        for name in source.namelist():
            content, count = re.subn(pattern, text, source.read(name))
            assert bool(count) == (name == sheet)
            target.writestr(name, content)


def test_every_cell_reads_as_it_is_shown(tmp_path: Path) -> None:
    day, moment = datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5)
    cells = ["00012", "1e5", "NA", " x ", "a\nb", 7, 7.0, 63.5, -0.1, day, moment, True, None, 12]
    texts = ["00012", "1e5", "NA", " x ", "a\nb", "7", "7", "63.5", "-0.1", "2020-01-02", "2020-01-02 03:04:05"]
    rows = [["id", "cell"], *([f"0{n}", cell] for n, cell in enumerate(cells))]

    def five_digits(book: Any) -> None:
        book.active.cell(len(rows), 2).number_format = "00000"

    cohort = save(tmp_path / "t.xlsx", rows, five_digits).read(tmp_path)
    assert cohort.ids == tuple(f"0{n}" for n in range(len(cells)))
    assert cohort.column("cell") == [*texts, "True", "", "00012"]


def test_blank_rows_short_rows_and_a_wrong_note_of_the_size(tmp_path: Path) -> None:
    table = save(tmp_path / "whole.xlsx", [["id", "x", "y", None], [], ["a", 1], ["b", None, "2"], [None]])
    edit(tmp_path / "whole.xlsx", tmp_path / "t.xlsx", rb'<dimension ref="A1:\w+"', b'<dimension ref="A1:A1"')
    for path in (table.path, Path("t.xlsx")):
        assert Table(path=path).read(tmp_path).table.to_pylist() == [
            {"id": "a", "x": "1", "y": ""}, {"id": "b", "x": "", "y": "2"}
        ]  # fmt: skip


def test_the_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    save(tmp_path / "t.xlsx", [["id"], ["a"]], lambda book: book.create_sheet("scans").append(["id", "x"]))
    assert Table(path=Path("t.xlsx")).read(tmp_path).ids == ("a",)
    assert Table(path=Path("t.xlsx"), sheet="scans").read(tmp_path).table.column_names == ["id", "x"]
    with pytest.raises(
        FuseError, match="no sheet 'scan' in t.xlsx; expected one of Sheet, scans; did you mean 'scans'"
    ):
        Table(path=Path("t.xlsx"), sheet="scan").read(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "t.xlsx is empty"),
        ([["id", "x", "x"], ["a", 1, 2]], "t.xlsx:1: columns 2 and 3 are called 'x'"),
        (
            [[], ["id", "x"], ["a", 1], [], ["b", 1, 2]],
            "t.xlsx:5: a cell stands beside the named columns; expected 2",
        ),
        ([["id"], ["a"], [], ["b"], ["a"]], "t.xlsx: the id 'a' stands twice, in row 2 and in row 5"),
        ([["id", "x"], [None, 1]], "row 2 has no id"),
        (
            [["id", "x"], ["a", "=1+1"]],
            "t.xlsx:2: the formula in column 2 was never computed; expected the workbook",
        ),
    ],
)
def test_a_bad_sheet_says_where(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        save(tmp_path / "t.xlsx", rows).read(tmp_path)


def test_a_computed_formula_is_its_value(tmp_path: Path) -> None:
    save(tmp_path / "f.xlsx", [["id", "x"], ["a", "=1+1"]])
    edit(tmp_path / "f.xlsx", tmp_path / "t.xlsx", rb"</f><v ?(/>|></v>)", b"</f><v>2</v>")
    assert Table(path=Path("t.xlsx")).read(tmp_path).column("x") == ["2"]
    edit(tmp_path / "f.xlsx", tmp_path / "t.xlsx", rb'<c r="B2"', b'<c r="B2" t="str"')
    assert Table(path=Path("t.xlsx")).read(tmp_path).column("x") == [""]


def test_what_is_no_plain_workbook_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, path = save(tmp_path / "t.xlsx", [["id"], ["a"]]), tmp_path / "t.xlsx"
    whole = path.read_bytes()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"")
    with pytest.raises(FuseError, match="t.xlsx holds macros; expected it saved without them as .xlsx"):
        table.read(tmp_path)
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    with pytest.raises(
        FuseError, match="t.xlsx is encrypted or an old .xls file; expected it saved without a password"
    ):
        table.read(tmp_path)
    path.write_bytes(whole)
    monkeypatch.setattr(workbook, "_UNPACKED_LIMIT", 1000)
    with pytest.raises(FuseError, match=r"t.xlsx unpacks to 0.0 GiB; expected at most .* save it as .csv"):
        table.read(tmp_path)


def test_a_damaged_workbook_is_named(tmp_path: Path) -> None:
    table, path = save(tmp_path / "t.xlsx", [["id", "x"], ["a", "text"]]), tmp_path / "t.xlsx"
    whole = path.read_bytes()
    for end in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(FuseError, match="t.xlsx is not readable as an Excel workbook"):
            table.read(tmp_path)
    for place in range(30, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert table.read(tmp_path).column("x") == ["text"]
        except FuseError as error:
            assert "t.xlsx" in str(error)  # noqa: PT017 either way is right, but no other error is
