"""Classes for the sampler: from the table alone, one run for each combination of cells that is really read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data import Cohort, Label, Pipeline, Processor, Row, Value
from fuse_engine.data.classes import classes_of, classes_of_column

Make = Callable[..., Cohort]


class Counted(Processor):
    """Runs a function and counts how often; it says nothing about what it reads."""

    calls: ClassVar[list[str]] = []
    function: Callable[[Row], Value]

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return what the function says."""
        self.calls.append("run")
        return self.function(row)


def classes(cohort: Cohort, function: Callable[[Row], Value]) -> tuple[list[int], tuple[str, ...], int]:
    Counted.calls.clear()
    found = classes_of(Pipeline((Counted(function=function),), "data.gt.x"), cohort)
    return found.numbers.tolist(), found.names, len(Counted.calls)


def test_a_label_is_computed_once_for_each_text(make_cohort: Make) -> None:
    cohort = make_cohort(600, finding=["b", "a", "c"] * 200)
    found = classes_of(Pipeline((Label(column="finding", classes=["a", "b", "c"]),), "x"), cohort)
    assert found.numbers.tolist() == [1, 0, 2] * 200
    numbers, names, calls = classes(cohort, lambda row: row.text("finding"))
    assert (numbers, names, calls) == ([1, 0, 2] * 200, ("a", "b", "c"), 4)  # once to see what it reads


def test_what_a_step_reads_is_found_out_even_where_it_depends_on_the_sample(make_cohort: Make) -> None:
    cohort = make_cohort(60, side=["left", "right"] * 30, one=["0", "1", "2"] * 20, two=list("987654") * 10)
    expected = [
        int(row.text("one") if row.text("side") == "left" else row.text("two")) for row in cohort.rows(cohort.ids)
    ]
    numbers, _, calls = classes(cohort, lambda row: int(row.text("one" if row.text("side") == "left" else "two")))
    assert (numbers, calls < 20) == (expected, True)
    assert classes(cohort, lambda row: int(row.columns["one"]))[0] == [0, 1, 2] * 20
    assert classes(cohort, lambda row: sum(text == "0" for text in row.columns.values()))[0] == [1, 0, 0] * 20


def test_a_class_of_the_id_or_the_group_is_not_mixed_up(make_cohort: Make) -> None:
    cohort = make_cohort(20, group="patient", patient=[f"p{n // 4}" for n in range(20)])
    assert classes(cohort, lambda row: int(row.id[1:]) % 3)[0] == [n % 3 for n in range(20)]
    numbers, _, calls = classes(cohort, lambda row: int(row.group[1:]) % 2)
    assert (numbers, calls) == ([n // 4 % 2 for n in range(20)], 6)


def test_no_file_is_read_even_by_a_step_that_does_not_declare_it(make_cohort: Make, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    cohort = make_cohort(3, file=[str(tmp_path / "a.txt")] * 3)
    with pytest.raises(FuseError, match="a step is made from files; expected a class that stands in a column"):
        classes(cohort, lambda row: int(row.path("file").read_text()))


def test_what_is_no_class_says_so(make_cohort: Make) -> None:
    cohort = make_cohort(6, finding=["a"] * 5 + ["x"])
    with pytest.raises(SampleError, match="sample 's5': column 'finding' holds no known class.*got 'x'"):
        classes_of(Pipeline((Label(column="finding", classes=["a", "b"]),), "data.gt.x"), cohort)
    with pytest.raises(FuseError, match="'data.gt.x' is no class; expected a step such as Label; got float"):
        classes(cohort, lambda row: 0.5)
    with pytest.raises(FuseError, match="makes texts of some samples and numbers of others"):
        classes(cohort, lambda row: 1 if row.text("finding") == "a" else "x")


def test_texts_of_a_column_are_in_natural_order(make_cohort: Make) -> None:
    found = classes_of_column(make_cohort(6, grade=["10", "9", "", "9", "b", "a"]), "grade")
    assert (found.numbers.tolist(), found.names) == ([1, 0, 2, 0, 4, 3], ("9", "10", "", "a", "b"))
    with pytest.raises(FuseError, match="'grad' is not there.*did you mean 'grade'"):
        classes_of_column(make_cohort(1, grade=["1"]), "grad")
