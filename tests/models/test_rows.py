"""Filter and order of a table."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from fuse_gui.models.columns import as_text, of_frame
from fuse_gui.models.rows import Rows

FRAME = pd.DataFrame(
    {"id": ["a1", "a2", "b1", "b2"], "age": ["9", "70", "", "61"], "dice": [0.5, np.nan, 0.91234567, 0.1]}
)


def rows(text: str = "") -> Rows:
    made = Rows(of_frame(FRAME), "id")
    made.set_filter(text)
    return made


def ids(made: Rows) -> list[str]:
    return [made.id_at(position) for position in range(len(made))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["a1", "a2", "b1", "b2"]),
        ("A", ["a1", "a2"]),
        ("age>60", ["a2", "b2"]),
        ("age > 60 & b", ["b2"]),
        ("id==a1", ["a1"]),
        ("id!=a1 & dice<=0.5", ["b2"]),
        ("dice=0.50", ["a1"]),
        ("age==", ["b1"]),
    ],
)
def test_the_filter_keeps_what_meets_it(text: str, found: list[str]) -> None:
    assert ids(rows(text)) == found
    assert rows(text).error == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aeg>3", ["no column 'aeg'", "did you mean 'age'?"]),
        ("age>old", ["'age >' needs a number", "'old'"]),
        ("id>3", ["column 'id' holds no numbers"]),
    ],
)
def test_a_filter_that_cannot_be_used_says_why_and_keeps_the_rows(text: str, words: list[str]) -> None:
    made = rows("b")
    made.set_filter(text)
    assert all(word in made.error for word in words)
    assert ids(made) == ["b1", "b2"]
    made.set_filter("")
    assert made.error == ""
    assert len(made) == 4


def test_texts_that_are_numbers_sort_as_numbers_and_what_is_missing_comes_last() -> None:
    made = rows()
    made.sort("age")
    assert ids(made) == ["a1", "b2", "a2", "b1"]
    made.sort("dice", ascending=False)
    assert ids(made) == ["b1", "a1", "b2", "a2"]
    made.sort("id")
    assert ids(made) == ["a1", "a2", "b1", "b2"]


def test_neighbours_follow_the_order_that_is_seen() -> None:
    made = rows("age>0")
    made.sort("age", ascending=False)
    assert made.neighbour("", 1) == "a2"
    assert made.neighbour("a2", 1) == "b2"
    assert made.neighbour("a1", 1) == "a1"
    assert made.neighbour("a2", -1) == "a2"
    assert made.position("b1") is None
    assert made.position("a1") == 2


def test_cells_read_like_a_person_writes_them() -> None:
    assert [as_text(v) for v in (0.91234567, float("nan"), None, "x", 3)] == ["0.9123", "", "", "x", "3"]
    assert rows().cell(2, 2) == "0.9123"


def test_another_table_keeps_filter_and_order() -> None:
    made = rows("a")
    made.sort("age", ascending=False)
    made.set_table(of_frame(pd.DataFrame({"id": ["a7", "a8", "c"], "age": ["1", "2", "3"]})), "id")
    assert ids(made) == ["a8", "a7"]
    made.set_table(of_frame(pd.DataFrame({"name": ["a"]})), "name")
    assert ids(made) == ["a"]


def test_a_million_rows_are_filtered_at_the_speed_of_typing() -> None:
    count = 1_000_000
    frame = pd.DataFrame({"id": np.arange(count).astype(str), "age": (np.arange(count) % 90).astype(str)})
    made = Rows(of_frame(frame), "id")
    start = time.process_time()
    made.set_filter("age==17")
    assert len(made) == 11_111
    assert made.cell(0, 1) == "17"
    assert made.position("107") == 1
    assert time.process_time() - start < 2.0
