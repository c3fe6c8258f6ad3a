"""A pickled DataFrame becomes the same text as pandas would show, without pandas opening it."""

from __future__ import annotations

import copyreg
import gzip
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.core.internals.managers import BlockManager

from fuse_engine.core.errors import FuseError
from fuse_engine.data import PickledTable, Table
from fuse_engine.data.cells import text_table
from fuse_engine.data.inert import read_content, read_table

PICKLES = Path(__file__).parents[1] / "pickles"
DAYS = pd.DatetimeIndex(["2020-01-02", None, "1999-12-31 03:04:05.123456"])
FRAMES = {
    "text": pd.DataFrame({"id": ["ä", "日本", "two\nlines"], "gap": ["x", None, ""]}),
    "numbers": pd.DataFrame(
        {"a": [1, 2, 3], "b": [0.1, np.nan, 1e300], "c": [True, False, True], "d": [1, np.nan, 3]}
    ),
    "sizes": pd.DataFrame(
        {kind: np.arange(3).astype(kind) for kind in ("i1", "u2", "f4", "u8", ">i4", ">f8", "c16")}
    ),
    "dates": pd.DataFrame(
        {"d": DAYS, "z": DAYS.tz_localize("Europe/Berlin"), "u": DAYS.tz_localize("UTC"), "w": DAYS - DAYS[0]}
    ),
    "nullable": pd.DataFrame(
        {kind: pd.array([1, None, 0], dtype=kind) for kind in ("Int8", "Int64", "Float64", "boolean")}
    ),
    "long": pd.DataFrame({"id": pd.array([123456789012345678, None], dtype="Int64")}),
    "strings": pd.DataFrame(
        {kind: pd.array(["x", None], dtype=kind) for kind in ("string", "str", "string[python]")}
    ),
    "categories": pd.DataFrame(
        {"c": pd.Categorical(["L", None, "R"]), "o": pd.Categorical([3, 1, 3], ordered=True)}
    ),
    "arrow": pd.DataFrame(
        {kind: pd.array([1, None, 0], dtype=f"{kind}[pyarrow]") for kind in ("int64", "double", "bool")}
    ),
    "objects": pd.DataFrame(
        {"o": pd.Series([1, "x", None, 2.5, np.float32(0.1), DAYS[2], np.nan, True], dtype=object)}
    ),
    "index": pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], name="id")),
    "levels": pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["p", None])
    ),
    "days": pd.DataFrame({"v": [1, 2]}, index=pd.date_range("2020-01-01", periods=2, tz="Asia/Tokyo")),
    "chosen": pd.DataFrame({"a": range(9), "b": range(9), "c": list("abcdefghi")}).iloc[1::2][["c", "a"]],
    "named": pd.DataFrame({0: [1], 1.5: ["x"]}),
    "empty": pd.DataFrame({"id": [], "a": []}),
}


def pickled(value: Any, protocol: int = 4, **reducers: Any) -> bytes:
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol)
    pickler.dispatch_table = {
        **copyreg.dispatch_table,
        **{getattr(pd, name, BlockManager): how for name, how in reducers.items()},
    }
    pickler.dump(value)
    return file.getvalue()


def expected(frame: pd.DataFrame) -> dict[str, list[str]]:
    counts = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    found: dict[str, list[str]] = text_table(frame if counts else frame.reset_index()).to_pydict()
    return found


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", FRAMES)
def test_every_kind_of_column_is_the_text_that_pandas_shows(name: str, protocol: int) -> None:
    assert read_content(pickled(FRAMES[name], protocol)).to_pydict() == expected(FRAMES[name])


def test_numbers_are_those_that_were_pickled() -> None:
    frame = pd.DataFrame({"a": [1e300, None], "b": [7.0, None], "c": [0.1, 2], "d": np.array([1, -2], ">i4")})
    assert read_content(pickled(frame)).to_pydict() == {
        "a": ["1e+300", ""], "b": ["7", ""], "c": ["0.1", "2.0"], "d": ["1", "-2"],
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(PICKLES.glob("*table*")), ids=lambda path: path.name)
def test_tables_of_older_pandas(path: Path) -> None:
    assert read_table(path).to_pydict() == {
        "sample_desc": ["p1_L", "p1_R", "00012"], "fold": ["0", "1", "2"], "age": ["61.5", "", "70.0"],
        "count": ["1", "", "3"], "positive": ["True", "False", "True"], "side": ["L", "", "R"],
        "big": ["123456789012345678", "", "7"], "note": ["ä", "", "two\nlines"],
        "contours": ["[[[1, 2], [3, 4.5]]]", "[]", ""],
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(PICKLES.glob("*dates*")), ids=lambda path: path.name)
def test_dates_of_older_pandas(path: Path) -> None:
    assert read_table(path).to_pydict() == {
        "id": ["a", "b", "c"], "day": ["2020-01-02", "", "2021-07-01"],
        "berlin": ["2020-01-02 01:00:00+01:00", "", "2021-07-01 02:00:00+02:00"],
        "utc": ["2020-01-02 00:00:00+00:00", "", "2021-07-01 00:00:00+00:00"],
        "wait": ["0 days 01:30:00", "", "0 days 00:00:00"],
    }  # fmt: skip


def test_the_layout_before_pandas_1_3() -> None:
    frame = pd.DataFrame(
        {"id": pd.Series(["a", "b"], dtype=object), "age": [1.5, 2.5], "side": pd.Categorical(["L", "R"])}
    )

    def manager(value: BlockManager) -> tuple[Any, ...]:
        blocks = [{"values": block.values, "mgr_locs": block.mgr_locs.as_array} for block in value.blocks]
        state = {"0.14.1": {"axes": list(value.axes), "blocks": blocks}}
        return BlockManager, (), (list(value.axes), [], [], state)

    def whole(value: pd.DataFrame) -> tuple[Any, ...]:
        return copyreg.__newobj__, (pd.DataFrame,), {"_data": value._mgr, "_typ": "dataframe", "_metadata": []}

    def category(value: pd.Categorical) -> tuple[Any, ...]:
        return copyreg.__newobj__, (pd.Categorical,), {"_codes": value.codes, "_dtype": value.dtype}

    content = pickled(frame, 2, BlockManager=manager, DataFrame=whole, Categorical=category)
    assert read_content(content).to_pydict() == {"id": ["a", "b"], "age": ["1.5", "2.5"], "side": ["L", "R"]}


def test_lists_in_cells_are_json() -> None:
    square = [[[1, 1], [1, 3], [3, 3], [3, 1]]]
    cells = [square, np.asarray(square), {"a": (1, {2})}, {(1, 2): None}, np.datetime64("2020-01-02")]
    frame = pd.DataFrame({"sample_desc": list("abcde"), "contours": pd.Series(cells, dtype=object)})
    texts = read_content(pickled(frame)).to_pydict()["contours"]
    polygon = "[[[1, 1], [1, 3], [3, 3], [3, 1]]]"
    assert texts == [polygon, polygon, '{"a": [1, [2]]}', '{"[1, 2]": null}', "2020-01-02 00:00:00"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.arrays.SparseArray([0, 1]), "column 'p': .* got pandas.arrays.SparseArray"),
        (pd.period_range("2020-01", periods=2, freq="M"), "column 'p': .* got pandas.arrays.PeriodArray"),
        (pd.Series([Path(), io.BytesIO(b"")], dtype=object), "column 'p': .* got _io.BytesIO"),
    ],
)
def test_a_column_that_cannot_be_read_is_named(column: Any, said: str) -> None:
    with pytest.raises(FuseError, match=said):
        read_content(pickled(pd.DataFrame({"id": ["a", "b"], "p": column})))


def test_anything_but_a_table_is_named() -> None:
    for value, name in (([1], "list"), ({"a": 1}, "dict"), (pd.Series([1]), "pandas.Series"), (1, "int")):
        with pytest.raises(FuseError, match=f"expected a pickled pandas DataFrame; got {name}"):
            read_content(pickled(value))


def test_a_cut_pickle_is_refused_at_every_length() -> None:
    content = pickled(FRAMES["dates"])
    for length in range(0, len(content), 7):
        with pytest.raises(FuseError):
            read_content(content[:length])


def test_a_source_lists_the_samples_with_group_and_fold(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"sample_desc": ["p1_L", "p1_R"], "patient": ["p1", "p1"], "fold": [0, 3], "image": ["l.png", "r.png"]}
    )
    (tmp_path / "sub").mkdir()
    frame.to_pickle(tmp_path / "sub" / "set.pkl.gz")
    (tmp_path / "sub" / "r.png").touch()
    cohort = PickledTable(path=Path("sub/set.pkl.gz"), group="patient", fold="fold").read(tmp_path)
    row = cohort.row("p1_R")
    assert (row.group, row.fold, row.path("image")) == ("p1", "3", tmp_path / "sub" / "r.png")


def test_what_is_wrong_with_a_file_names_it(tmp_path: Path) -> None:
    def refusal(name: str, content: bytes, **fields: Any) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FuseError) as caught:
            PickledTable(path=Path(name), **fields).read(tmp_path)
        return str(caught.value)

    sound = pickled(FRAMES["index"])
    assert "set.pkl: the id column 'sample_desc' is not there; expected one of id, v" in refusal("set.pkl", sound)
    assert refusal("set.pkl", sound[:50]).startswith("set.pkl: the file is no pickle, or a damaged one")
    assert refusal("set.pkl.gz", b"\x1f\x8b" + sound).startswith("set.pkl.gz: the file is damaged or cut off")
    assert "packed by zip; expected a plain pickle, or one packed by gzip" in refusal("set.pkl", b"PK\x03\x04")
    assert "expected a file that ends in .pkl, .pickle" in refusal("set.joblib", sound)
    with pytest.raises(FuseError, match=r"no file .*sett\.pkl; did you mean 'set\.pkl'"):
        PickledTable(path=Path("sett.pkl")).read(tmp_path)


def test_a_table_says_how_to_convert_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "my set.pkl.gz").touch()
    with pytest.raises(FuseError, match=r"`fuse-gui convert 'my set.pkl.gz' 'my set.parquet'` makes one"):
        Table(path=Path("my set.pkl.gz")).read(tmp_path)


def test_a_small_file_cannot_unpack_to_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuse_engine.data.inert.file._LIMIT", 10_000_000)
    (tmp_path / "bomb.pkl.gz").write_bytes(gzip.compress(bytes(100_000_000), 1))
    with pytest.raises(
        FuseError, match=r"bomb\.pkl\.gz: the pickle is too large for the memory; expected at most"
    ):
        PickledTable(path=Path("bomb.pkl.gz")).read(tmp_path)
