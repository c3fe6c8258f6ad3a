"""A table of any kind becomes one that opens at once, never over another by accident."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fuse_engine.core.spreadsheet import guarded
from fuse_engine.data import PickledTable, Table

CELLS = {"sample_desc": ["00012", "p,1\n", "ä"], "note": ["=cmd()", "-1.5e3", ""], "age": ["61.5", "NA", "@x"]}


@pytest.fixture
def pickled(tmp_path):
    pd.DataFrame(CELLS).to_pickle(tmp_path / "set.pkl")
    return Path("set.pkl")


def test_a_pickle_becomes_a_table_with_the_same_samples(shell, pickled, tmp_path):
    assert shell("convert", pickled, "set.parquet") == (0, ["set.parquet"], [])
    source, made = PickledTable(path=pickled), Table(path=Path("set.parquet"), id="sample_desc")
    assert made.read(tmp_path).table.equals(source.read(tmp_path).table)
    assert made.read(tmp_path).table.to_pydict() == CELLS


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_text_that_a_spreadsheet_would_run_is_guarded(shell, pickled, tmp_path, ending):
    code, lines, errors = shell("convert", pickled, f"set.{ending}")
    assert (code, lines) == (0, [f"set.{ending}"])
    assert errors == ["2 cells that a spreadsheet would run as formulas now begin with '"]
    cohort = Table(path=Path(f"set.{ending}"), id="sample_desc").read(tmp_path)
    assert cohort.table.to_pydict() == {**CELLS, "note": ["'=cmd()", "-1.5e3", ""], "age": ["61.5", "NA", "'@x"]}


def test_excel_csv_and_parquet_are_taken_too(shell, tmp_path):
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"id": ["x"]}).to_excel(book, sheet_name="one", index=False)
        pd.DataFrame({"id": ["00012"]}).to_excel(book, sheet_name="two", index=False)
    assert shell("convert", "a.xlsx", "a.csv", "--sheet", "two")[0] == 0
    assert shell("convert", "a.csv", "a.parquet")[0] == 0
    assert shell("convert", "a.parquet", "b.tsv")[0] == 0
    assert pq.read_table("a.parquet").to_pydict() == {"id": ["00012"]}
    assert Path("b.tsv").read_text(encoding="utf-8") == "id\n00012\n"


def test_a_file_that_is_there_stays_unless_forced(shell, pickled, tmp_path):
    (tmp_path / "set.csv").write_text("mine", encoding="utf-8")
    assert shell("convert", pickled, "set.csv") == (
        1, [], ["set.csv is there already; expected another name, or --force"],
    )  # fmt: skip
    assert (tmp_path / "set.csv").read_text(encoding="utf-8") == "mine"
    assert shell("convert", pickled, "set.csv", "--force")[0] == 0
    assert (tmp_path / "set.csv").read_text(encoding="utf-8").startswith("sample_desc,note,age\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sett.pkl", "a.csv"), "did you mean 'set.pkl'?"),
        (("set.pkl", "a.xlsx"), "cannot write a.xlsx; expected a file that ends in .parquet, .csv, .tsv"),
        (("set.pkl", "none/a.csv"), "no folder none"),
        (("bad.pkl", "a.csv"), "bad.pkl: the file is no pickle, or a damaged one"),
        (("set.txt", "a.csv"), "cannot read set.txt"),
    ],
)
def test_what_cannot_be_converted_says_so_and_leaves_nothing(shell, pickled, tmp_path, words, said):
    (tmp_path / "bad.pkl").write_bytes(b"cos\nsystem\n(S'true'\n")
    (tmp_path / "set.txt").touch()
    before = set(tmp_path.iterdir())
    code, lines, errors = shell("convert", *words)
    assert (code, lines) == (1, [])
    assert said in errors[0]
    assert set(tmp_path.iterdir()) == before


def test_only_what_a_spreadsheet_runs_is_guarded():
    assert [guarded(text) for text in ("=1", "+x", "-x", "@x", "\tx", "\rx")] == [
        "'=1", "'+x", "'-x", "'@x", "'\tx", "'\rx",
    ]  # fmt: skip
    for text in ("", "x=1", "-1", "+1.5", "-.5e-3", "1-2", "'x"):
        assert guarded(text) == text
