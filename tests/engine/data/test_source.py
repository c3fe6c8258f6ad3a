"""A cohort of any size: rows, columns by number, parts of it, and who is left out."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.exclusions import write_exclusions
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Cohort, Row, read_cohort
from fuse_engine.data.source import excluded


def cohort_of(**columns: list[str]) -> Cohort:
    count = len(next(iter(columns.values())))
    return Cohort(pa.table({"id": [f"s{n}" for n in range(count)], **columns}), "id")


def test_codes_are_those_of_pandas() -> None:
    rng = np.random.default_rng(0)
    for texts in (rng.choice(list("cab"), 5000), rng.permutation(5000).astype(str), np.sort(rng.random(3000))):
        column = list(map(str, texts))
        codes, uniques = pd.factorize(np.array(column, object))
        coded = cohort_of(x=column).codes("x")
        assert coded.codes.tolist() == codes.tolist()
        assert coded.texts == uniques.tolist()
        assert not coded.codes.flags.writeable
        assert coded.codes.dtype == np.int32


def test_codes_of_none_and_of_a_column_in_several_pieces() -> None:
    empty = Cohort(pa.table({"id": pa.chunked_array([], pa.string())}), "id")
    assert (len(empty), empty.codes("id").texts, empty.codes("id").codes.tolist(), empty.ids) == (0, [], [], ())
    pieces = pa.table({"id": pa.chunked_array([["b", "a"], ["c"]])})
    assert Cohort(pieces, "id").codes("id").texts == ["b", "a", "c"]
    with pytest.raises(FuseError, match="the stratify column 'agee' is not there.*did you mean 'age'"):
        cohort_of(age=["1"]).codes("agee", "the stratify column")


def test_rows_are_the_same_one_by_one_and_together() -> None:
    table = pa.table({"id": ["a", "b", "c"], "p": ["x", "y", "x"], "f": ["0", "1", ""]})
    cohort = Cohort(table, "id", "p", "f", Path("/data"))
    assert cohort.rows(["c", "a"]) == [cohort.row("c"), cohort.row("a")]
    assert (cohort.row("c").group, cohort.row("c").fold, cohort.row("c").folder) == ("x", "", Path("/data"))
    with pytest.raises(FuseError, match="no sample 'd'"):
        cohort.rows(["a", "d"])


def test_a_cohort_survives_the_way_to_another_process() -> None:
    cohort = cohort_of(x=["1", "2"])
    copy = pickle.loads(pickle.dumps(cohort))
    assert copy.rows(copy.ids) == cohort.rows(cohort.ids)


def test_the_frame_is_the_table_in_pandas() -> None:
    cohort = cohort_of(x=["00012", ""])
    pd.testing.assert_frame_equal(
        cohort.frame, pd.DataFrame({"id": ["s0", "s1"], "x": ["00012", ""]}, dtype="str")
    )


@pytest.mark.parametrize(
    "column", [pa.array([1, 2]), pa.array(["a", None]), pa.array(["a", "b"], pa.large_string())]
)
def test_a_table_that_is_not_all_text_is_refused(column: pa.Array) -> None:
    with pytest.raises(FuseError, match="column 'x' is not all text; expected strings without nulls"):
        Cohort(pa.table({"id": ["a", "b"], "x": column}), "id")
    with pytest.raises(FuseError, match="columns 1 and 2 are called 'id'"):
        Cohort(pa.table([["a", "b"], column], ["id", "id"]), "id")


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["b", "a", "b"], "'b' stands twice, in row 1 and in row 3"), (["b", "", "a", ""], "row 2 has no id"),
     (["", "a"], "row 1 has no id"), (["a", "a"], "'a' stands twice, in row 1 and in row 2")],
)  # fmt: skip
def test_ids_that_are_empty_or_stand_twice(ids: list[str], message: str) -> None:
    with pytest.raises(FuseError, match=message):
        Cohort(pa.table({"id": ids}), "id")


def test_a_frame_with_half_a_character_is_refused() -> None:
    with pytest.raises(FuseError, match=r"the cell of column 'x' in row 2 is no text; got '\\ud800'"):
        Cohort.from_frame(pd.DataFrame({"id": ["a", "b"], "x": pd.Series(["é", "\ud800"], dtype=object)}))


def test_excluded_samples_are_left_out_unless_the_whole_is_asked_for(study: Experiment) -> None:
    write_exclusions(study.folder / "out.csv", {"s1": "blurred, twice", "s4": "", "gone": "not in the table"})
    chosen = study.changed(("data", "excluded"), "out.csv")
    assert read_cohort(chosen).ids == ("s0", "s2", "s3", "s5")
    assert read_cohort(chosen, whole=True).ids == read_cohort(study).ids
    assert excluded(chosen)["s1"] == "blurred, twice"
    assert excluded(study) == {}


def test_exclusions_that_cannot_be_used_say_where(study: Experiment) -> None:
    with pytest.raises(FuseError, match=r"data.excluded: no file .*cohrt.csv; did you mean 'cohort.csv'"):
        read_cohort(study.changed(("data", "excluded"), "cohrt.csv"))
    write_exclusions(study.folder / "out.csv", {f"s{n}": "bad" for n in range(6)})
    with pytest.raises(FuseError, match=r"data.excluded: every sample is excluded"):
        read_cohort(study.changed(("data", "excluded"), "out.csv"))


def test_a_name_that_only_shares_its_ending_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "29.png").touch()
    (tmp_path / "scan07.png").touch()
    with pytest.raises(SampleError) as error:
        Row("s", "s", None, {"image": "nope.png"}, tmp_path).path("image")
    assert "did you mean" not in str(error.value)
    with pytest.raises(SampleError, match=r"did you mean 'scan07.png'"):
        Row("s", "s", None, {"image": "scan7.png"}, tmp_path).path("image")
