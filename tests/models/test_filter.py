"""What can be asked for in the filter, and how a mistake is told."""

from __future__ import annotations

import pytest

from fuse_engine.core.errors import FuseError
from fuse_gui.models.columns import Column
from fuse_gui.models.filter import Meaning, parse, quoted, with_condition
from fuse_gui.models.rows import Rows

COLUMNS = {
    "id": Column.of(["s1", "s2", "s3", "012", "12"]),
    "age": Column.of(["60", "70.5", "", "9", "60.0"]),
    "the site": Column.of(["A & B", "Aarhus", "B", "aarhus", ""]),
    "fold": Column.of(["1", "1", "2", "2", "10"]),
}


def found(text: str) -> list[str]:
    made = Rows(COLUMNS, "id")
    made.update(COLUMNS, {"is:excluded": COLUMNS["id"].codes == 2, "check:oblique": COLUMNS["id"].codes > 2})
    made.set_filter(text)
    assert made.error == ""
    return made.ids(0, len(made))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fold==1 & age>60", ["s2"]),
        ("fold==1&age>=60 | id==12", ["s1", "s2", "12"]),
        ("(fold==1 | fold==2) & !has:age", ["s3"]),
        ("age == 60", ["s1", "12"]),
        ("age=='60'", ["s1"]),
        ("id==12", ["12"]),
        ("age!=60", ["s2", "s3", "012"]),
        ("has:the site", ["s1", "s2", "s3", "012"]),
        ('the site=="A & B"', ["s1"]),
        ('"the site"==B', ["s3"]),
        ("AARHUS", ["s2", "012"]),
        ("aarhus & fold==1", ["s2"]),
        ("'A & B'", ["s1"]),
        ("is:excluded", ["s3"]),
        ("!is:excluded & check:oblique", ["012", "12"]),
        ("age==", ["s3"]),
        ("nothing of it", []),
    ],
)
def test_rows_that_meet_the_filter(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age>3 & aeg>60", ["no column 'aeg'", "age>3 & ▸aeg◂>60", "did you mean 'age'?"]),
        ("has:fould", ["no column 'fould'", "has:▸fould◂", "'fold'"]),
        ("check:obliqe", ["check:▸obliqe◂", "'check:oblique'"]),
        ("is:", ["'is:' names nothing", "▸is:◂"]),
        ("(fold==1", ["a parenthesis is not closed", "▸(◂fold==1"]),
        ("fold==1)", ["')' stands alone", "fold==1▸)◂"]),
        ("fold==1 &", ["the filter ends where a condition is missing"]),
        ("& fold==1", ["'&' stands where a condition is missing", "▸&◂"]),
        ("age>old", ["'age >' needs a number", "'old'"]),
        ("id>3s", ["'id >' needs a number"]),
        ("the site>3", ["'the site' holds no numbers", "▸the site◂>3"]),
    ],
)
def test_a_mistake_points_at_its_place(text: str, words: list[str]) -> None:
    made = Rows(COLUMNS, "id")
    made.update(COLUMNS, {"check:oblique": COLUMNS["id"].codes > 2})
    made.set_filter(text)
    assert [word for word in words if word not in made.error] == []
    assert len(made) == 5, "the rows stay as they were"


def test_any_text_is_read_or_refused_with_its_place() -> None:
    told = []
    for text in ("", " ", "!", "((((", "a'b", '"open', "!!a", "has:'", "a==b==c", "<>", "x:y", "\u00e9 & \u65e5"):
        try:
            Meaning(COLUMNS, {}, 5, text).mask(parse(text))
        except FuseError as error:
            told.append(str(error))
    assert len(told) == 5
    assert all("◂" in text for text in told)


def test_a_condition_is_asked_for_and_no_more() -> None:
    once = with_condition("age>60", "fold==1")
    assert once == "age>60 & fold==1"
    assert with_condition(once, "fold==1") == "age>60"
    assert with_condition("", "fold==1") == "fold==1"
    assert with_condition("fold==1", "fold==1") == ""
    assert with_condition("a | b", "fold==1") == "(a | b) & fold==1"


def test_quoted_texts_come_back() -> None:
    assert found(f"{quoted('the site')}=={quoted('A & B')}") == ["s1"]
    assert found(f"has:{quoted('the site')}") == ["s1", "s2", "s3", "012"]
    assert [quoted(one) for one in ("plain", "-1.5", 'a "b"')] == ["plain", "-1.5", "'a \"b\"'"]
