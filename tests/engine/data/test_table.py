"""A table becomes a cohort of text, or one clear message."""

from __future__ import annotations

import datetime
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data import Cohort, Table

TRAPS = ["00012", "1e5", "NA", "null", "", " x ", "123456789012345678", 'say "hi", you']


def write(path: Path, text: str, encoding: str = "utf-8") -> Table:
    path.write_bytes(text.encode(encoding))
    return Table(path=Path(path.name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_cell_stays_as_written(tmp_path: Path, encoding: str, newline: str) -> None:
    cells = ['"' + cell.replace('"', '""') + '"' for cell in TRAPS]
    lines = ["id,cell", *(f"0{n},{cell}" for n, cell in enumerate(cells))]
    cohort = write(tmp_path / "t.csv", newline.join(lines), encoding).read(tmp_path)
    assert cohort.ids == tuple(f"0{n}" for n in range(len(TRAPS)))
    assert [cohort.row(name).text("cell") for name in cohort.ids] == TRAPS


def test_tsv_with_a_cell_over_two_lines_and_a_long_one(tmp_path: Path) -> None:
    long = "7" * 200_000
    cohort = write(tmp_path / "t.tsv", f'id\tnote\n\na\t"one\ntwo"\nb\t{long}\n').read(tmp_path)
    assert cohort.row("a").text("note") == "one\ntwo"
    assert cohort.row("b").text("note") == long


def test_parquet_keeps_numbers_exact(tmp_path: Path) -> None:
    big = pd.array([123456789012345678, None], dtype="Int64")
    frame = pd.DataFrame({"id": ["001", "002"], "big": big, "age": [63.5, None], "day": datetime.date(2020, 1, 2)})
    frame.to_parquet(tmp_path / "t.parquet")
    cohort = Table(path=Path("t.parquet")).read(tmp_path)
    assert cohort.frame["big"].tolist() == ["123456789012345678", ""]
    assert cohort.frame["age"].tolist() == ["63.5", ""]
    assert cohort.frame["day"].tolist() == ["2020-01-02"] * 2


def test_parquet_lists_are_written_out_and_bytes_refused(tmp_path: Path) -> None:
    columns = {
        "id": pa.array(["a", "b"]).dictionary_encode(),
        "points": [[[1.5, 2], [3, 4]], None],
        "ok": [True, None],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    cohort = Table(path=Path("t.parquet")).read(tmp_path)
    assert cohort.column("points") == ["[[1.5, 2.0], [3.0, 4.0]]", ""]
    assert (cohort.ids, cohort.column("ok")) == (("a", "b"), ["True", ""])
    pq.write_table(pa.table({"id": ["a"], "png": [b"\x89PNG"]}), tmp_path / "t.parquet")
    with pytest.raises(
        FuseError, match="t.parquet: column 'png' holds bytes; expected text or numbers; got binary"
    ):
        Table(path=Path("t.parquet")).read(tmp_path)
    pq.write_table(pa.table({"id": pa.array([b"\xff"]).view(pa.string())}), tmp_path / "t.parquet")
    with pytest.raises(FuseError, match="t.parquet is not readable as Parquet; got .*UTF"):
        Table(path=Path("t.parquet")).read(tmp_path)


def test_frame_numbers_become_text_without_growing_a_fraction() -> None:
    frame = pd.DataFrame({"id": [1, 2], "fold": [0, float("nan")], "bmi": [21.0, 22.5], "ok": [True, False]})
    cohort = Cohort.from_frame(frame, fold="fold")
    assert cohort.ids == ("1", "2")
    assert (cohort.row("1").fold, cohort.row("2").fold) == ("0", "")
    assert cohort.row("1").columns == {"id": "1", "fold": "0", "bmi": "21.0", "ok": "True"}


def test_paths_start_from_the_table(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").touch()
    (tmp_path / "sub" / "t.csv").write_text("id,image\na,a.png\nb,A.png\nc,\nd,../sub/a.png\n", encoding="utf-8")
    cohort = Table(path=Path("sub/t.csv")).read(tmp_path)
    assert cohort.row("a").path("image") == tmp_path / "sub" / "a.png"
    assert cohort.row("d").path("image").samefile(tmp_path / "sub" / "a.png")
    with pytest.raises(SampleError, match=r"sample 'b': column 'image': no file .*A.png; did you mean 'a.png'"):
        cohort.row("b").path("image")
    with pytest.raises(SampleError, match="sample 'c': column 'image' names no file"):
        cohort.row("c").path("image")
    long = Cohort.from_frame(pd.DataFrame({"id": ["a"], "image": ["x" * 5000]}), folder=tmp_path)
    with pytest.raises(SampleError, match="sample 'a': column 'image' names no file; got 'xxx"):
        long.row("a").path("image")
    with pytest.raises(SampleError, match="sample 'a': no column 'imag'.*did you mean 'image'"):
        cohort.row("a").path("imag")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,x\na,1\nb,1,2\n", r"t.csv:3: a row must have one cell for each column; expected 2 cells; got 3"),
        ("id,x\na,1,2\nb,1\n", r"t.csv:2: .*got 3"),
        ("id,x\na\n", r"t.csv:2: .*got 1"),
        ("id,x\na,1\n\nb,2\na,3\n", r"t.csv: the id 'a' stands twice, in line 2 and in line 5"),
        ("id,x\n,1\n", "line 2 has no id"),
        ("sampel,id\na,b\n", None),
        ("ident,x\na,1\n", "the id column 'id' is not there; expected one of ident, x"),
        ("Id,x\na,1\n", "did you mean 'Id'"),
        ("id;x\na;1\n", r"t.csv:1: t.csv seems to be separated by semicolons; expected commas"),
        ("id\tx\na\t1\n", "separated by tabs"),
        ("id,x,x\na,1,2\n", r"t.csv:1: columns 2 and 3 are called 'x'"),
        ("id,,\na,1,2\n", "columns 2 and 3 have no name"),
        ("", "t.csv is empty"),
        ('id,x\na,"open\n', "t.csv is not a table"),
    ],
)
def test_a_bad_table_says_where(tmp_path: Path, text: str, message: str | None) -> None:
    table = write(tmp_path / "t.csv", text)
    if message is None:
        assert table.read(tmp_path).ids == ("b",)
        return
    with pytest.raises(FuseError, match=message):
        table.read(tmp_path)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(FuseError, match=r"t.csv is not UTF-8 text; expected the file saved as UTF-8"):
        write(tmp_path / "t.csv", "id,name\na,Müller\n", encoding).read(tmp_path)


def test_a_file_that_is_not_there_or_not_a_table(tmp_path: Path) -> None:
    write(tmp_path / "cohort.csv", "id\na\n")
    with pytest.raises(FuseError, match=r"no file .*cohrt.csv; did you mean 'cohort.csv'"):
        Table(path=Path("cohrt.csv")).read(tmp_path)
    with pytest.raises(FuseError, match=r"no file .*patients.csv$"):
        Table(path=Path("patients.csv")).read(tmp_path)
    with pytest.raises(FuseError, match=rf"{tmp_path} is a folder$"):
        Table(path=Path()).read(tmp_path)
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FuseError, match="t.parquet is not readable as Parquet"):
        Table(path=Path("t.parquet")).read(tmp_path)
    (tmp_path / "t.xls").touch()
    with pytest.raises(
        FuseError, match=r"cannot read t.xls; expected a .csv, .tsv, .xlsx or .parquet file; save it"
    ):
        Table(path=Path("t.xls")).read(tmp_path)


def test_group_and_fold_columns_are_checked(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "id,patient\na,p\nb,p\n")
    cohort = Table(path=Path("t.csv"), group="patient").read(tmp_path)
    assert (cohort.group("a"), cohort.row("b").fold) == ("p", None)
    with pytest.raises(FuseError, match="the group column 'patients' is not there.*did you mean 'patient'"):
        Table(path=Path("t.csv"), group="patients").read(tmp_path)


def test_select_keeps_the_order_asked_for(tmp_path: Path) -> None:
    cohort = write(tmp_path / "t.csv", "id,x\na,1\nb,2\nc,3\n").read(tmp_path)
    chosen = cohort.select(["c", "a"])
    assert (chosen.ids, len(chosen), chosen.row("c").text("x")) == (("c", "a"), 2, "3")
    assert "b" not in chosen
    with pytest.raises(FuseError, match="no sample 'aa'; did you mean 'a'"):
        cohort.select(["aa"])


CONDITIONS = """id,site,age
a,X,50
b,X,60
c,Y,50
d,Z,70
"""


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ([{"site": ["X"]}], "ab"),
        ([{"site": ["X", "Y"], "age": ["50"]}], "ac"),
        ([{"site": ["Z"]}, {"age": ["50"]}], "acd"),
        ([], "abcd"),
    ],
)
def test_conditions_are_or_between_and_and_inside(
    tmp_path: Path, conditions: list[dict[str, list[str]]], ids: str
) -> None:
    frame = pd.read_csv(io.StringIO(CONDITIONS), dtype=str)
    fits = [
        all(row[name] in values for name, values in one.items())
        for _, row in frame.iterrows()
        for one in conditions
    ]
    reference = np.reshape(fits, (4, -1)).any(1) if conditions else np.ones(4, bool)
    write(tmp_path / "t.csv", CONDITIONS)
    cohort = Table(path=Path("t.csv"), conditions=conditions).read(tmp_path)
    assert cohort.ids == tuple(ids) == tuple(frame["id"][reference])


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([{"sites": ["X"]}], "t.csv: the column of a condition 'sites' is not there.*did you mean 'site'"),
        (
            [{"age": ["50"]}, {"site": ["x"]}],
            "t.csv: a condition asks for 'x', which column 'site' does not hold; did",
        ),
        ([{"site": ["Z"], "age": ["50"]}], "t.csv: no sample fits the conditions"),
    ],
)
def test_conditions_that_cannot_be_met(
    tmp_path: Path, conditions: list[dict[str, list[str]]], message: str
) -> None:
    write(tmp_path / "t.csv", CONDITIONS)
    with pytest.raises(FuseError, match=message):
        Table(path=Path("t.csv"), conditions=conditions).read(tmp_path)


@pytest.mark.parametrize("arguments", [{"conditions": [{}]}, {"conditions": [{"a": []}]}, {"sheet": "one"}])
def test_arguments_that_mean_nothing(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        Table(path=Path("t.csv"), **arguments)


def test_a_huge_table_is_read_in_a_moment(tmp_path: Path) -> None:
    ids = [f"{n:06d}" for n in range(200_000)]
    lines = "\n".join(f"{name},p{n % 999},1e5,NA" for n, name in enumerate(ids))
    start = time.monotonic()
    cohort = write(tmp_path / "t.csv", f"id,patient,x,y\n{lines}\n").read(tmp_path)
    assert cohort.row("123456").columns == {"id": "123456", "patient": "p579", "x": "1e5", "y": "NA"}
    assert len(cohort.codes("patient").texts) == 999
    assert time.monotonic() - start < 5
