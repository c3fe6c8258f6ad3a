"""Columns with every text once: order, numbers, counts, at any size."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuse_gui.models.columns import Column
from fuse_gui.models.natural import natural_order, stable_order


def listed(texts: list[str]) -> list[str]:
    return [texts[index] for index in natural_order(pa.array(texts, pa.string()))]


def by_hand(text: str) -> list[tuple[int, bytes]]:
    """Numbers by how many digits they have and then by digits, before every letter."""
    parts = re.findall(r"[0-9]+|[^0-9]", text.lower())
    return [(len(part), part.encode()) if part[0].isdigit() else (99, part.encode()) for part in parts]


def test_numbers_in_texts_count_by_value() -> None:
    texts = ["s10", "S2", "s1", "b", "", "a12c3", "a2c30", "a12c10"]
    assert listed(texts) == ["", "a2c30", "a12c3", "a12c10", "b", "s1", "S2", "s10"]


@given(st.lists(st.text("ab019_ ", max_size=9), max_size=40))
def test_the_order_is_that_of_a_plain_sort(texts: list[str]) -> None:
    assert listed(texts) == sorted(texts, key=by_hand)


@given(st.lists(st.integers(0, 1 << 20), max_size=200))
def test_equal_ranks_keep_their_order(ranks: list[int]) -> None:
    expected = np.argsort(ranks, kind="stable") if ranks else np.zeros(0)
    assert stable_order(np.array(ranks, np.int32)).tolist() == expected.tolist()


def test_texts_that_are_all_numbers_are_ordered_as_numbers() -> None:
    column = Column.of(["10", "9", "", "-1.5e1", "+2", "9"])
    assert column.is_number
    assert column.order().tolist() == [3, 4, 1, 5, 0, 2]
    assert column.order(ascending=False).tolist() == [0, 1, 5, 4, 3, 2], "what is missing stays last"
    assert not Column.of(["1", "x"]).is_number
    assert not Column.of(["", ""]).is_number
    assert np.isnan(Column.of(["nan", "1_000", "0x1", "inf"]).numbers).all()


def test_numbers_keep_their_value_behind_four_digits() -> None:
    column = Column.from_series(pd.Series([0.123456, 0.123461, np.nan]))
    assert [column.text(row) for row in range(3)] == ["0.1235", "0.1235", ""]
    assert column.order(ascending=False).tolist() == [1, 0, 2]


def test_looking_up_and_counting() -> None:
    column = Column.of(["a", "b", "a", ""])
    assert column.rows_of("a").tolist() == [0, 2]
    assert column.code_of("c") == -1
    assert column.counts(np.array([0, 1])).tolist() == [1, 1, 0]


@pytest.mark.parametrize("texts", [[], [""], ["x"]])
def test_hardly_any_rows(texts: list[str]) -> None:
    column = Column.of(texts)
    assert len(column.order()) == len(column) == len(texts)
