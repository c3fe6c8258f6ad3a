"""The figures of a column, and its groups and bars as filters."""

from __future__ import annotations

import statistics as reference

import numpy as np
import pytest

from fuse_gui.models.columns import Column
from fuse_gui.models.rows import Rows
from fuse_gui.models.statistics import BINS, StatisticsModel, statistics

AGES = [41.5, 70, 33, 70, 55.25, 61, 18, 90, 44, 45, 46, 47, 48, 49, 50, 51]


@pytest.fixture
def model() -> StatisticsModel:
    columns = {
        "id": Column.of(f"s{number}" for number in range(17)),
        "age": Column.of([*map(str, AGES), ""]),
        "the site": Column.of(["Basel"] * 10 + ["A & B"] * 6 + [""]),
    }
    made = StatisticsModel(Rows(columns, "id"))
    made.set_active(True)
    return made


def test_figures_are_those_of_the_standard_library(model: StatisticsModel) -> None:
    column = model.rows.by_name["age"]
    made = statistics("age", column, np.arange(17))
    assert (made.count, made.missing, made.unique) == (17, 1, 15)
    expected = [min(AGES), reference.median(AGES), reference.mean(AGES), reference.stdev(AGES), max(AGES)]
    assert [value for _, value in made.numbers] == pytest.approx(expected)
    assert "17 rows, 1 empty, 15 different values" in made.words


def test_every_bar_of_a_histogram_is_a_filter_for_its_rows(model: StatisticsModel) -> None:
    model.choose("age")
    bars = model.figure().axes[0].bars
    assert bars is not None
    assert (len(bars.counts), int(bars.counts.sum())) == (BINS, 16)
    for count, condition in zip(bars.counts, bars.ids, strict=True):
        model.rows.set_filter(condition)
        assert (len(model.rows), model.rows.error) == (count, "")


def test_every_group_is_a_filter_for_its_rows(model: StatisticsModel) -> None:
    assert model.column == "the site", "the first column with few values"
    groups = model.groups
    assert [(group.label, group.count) for group in groups] == [("Basel", 10), ("A & B", 6), ("(empty)", 1)]
    for group in groups:
        model.rows.set_filter(model.toggle(group.condition))
        assert (len(model.rows), model.rows.error) == (group.count, "")
        model.rows.set_filter(model.toggle(group.condition))
        assert model.rows.filter == ""


def test_only_what_is_seen_is_counted_and_only_while_somebody_looks(model: StatisticsModel) -> None:
    model.rows.set_filter("age>60")
    assert "4 rows" in model.words
    model.set_active(False)
    assert model.words == ""
    assert model.figure().axes[0].note == "nothing to count"
