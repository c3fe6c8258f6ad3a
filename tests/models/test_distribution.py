"""The field of a distribution: kinds, numbers, sliders, and what goes back into the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.catalog import FieldSpec, describe
from fuse_engine.core.distribution import Distribution, PerAxis
from fuse_engine.core.document import parse, parse_value
from fuse_engine.core.experiment import Experiment
from fuse_gui.models import answer, distribution
from fuse_gui.models.bound import Bound, live_offers
from fuse_gui.models.density import sketch
from fuse_gui.models.distribution import DistributionField
from fuse_gui.models.field import Offers
from fuse_gui.models.form import item_of
from fuse_gui.models.project import Project
from fuse_gui.models.scale import Scale

NOTHING = Offers(lambda kind: {})


def question(raw: Any = None, **facts: Any) -> DistributionField:
    spec = FieldSpec(name="x", kind="distribution", **{"default": 0.0, "per_axis": True, **facts})
    made = item_of(spec, NOTHING)
    assert isinstance(made, DistributionField)
    if raw is not None:
        made.load(raw)
    return made


def texts(field: DistributionField, axis: int = 0) -> list[str]:
    return [box.text for box in field.rows[axis].boxes]


@pytest.mark.parametrize(
    "text",
    ["5", "[-15, 15]", "{normal: [0.1, 1e-7]}", "{log_uniform: [1e-7, 0.30000000000000004]}",
     "{choice: [1, 2, 4]}", "{steps: [0, 1, 0.25]}",
     "{z: [-1, 1], y: 2, x: {normal: [0, 1]}}", "{y: 1, x: [1, 2]}"],
)  # fmt: skip
def test_what_stands_in_the_file_is_shown_and_written_as_it_is(text: str) -> None:
    raw = parse(f"x: {text}").data["x"]
    field = question(raw)
    assert (field.text(), field.plain(), field.message) == (text, raw, "")
    assert parse_value(field.text()) == raw
    again = question()
    again.set(text)
    assert (again.plain(), again.value) == (raw, PerAxis.parse(raw))
    shown = [[float(number) for number in box.text.split(", ")] for row in field.rows for box in row.boxes]
    assert [number for box in shown for number in box] == [
        number for _, part in PerAxis.parse(raw).axes for number in part.numbers
    ]


@pytest.mark.parametrize(
    ("raw", "kind", "numbers"),
    [
        (["10", "20"], "constant", ["15"]),
        (["-15", "15"], "normal", ["0", "5"]),
        ({"normal": ["0", "5"]}, "uniform", ["-15", "15"]),
        (["1", "100"], "log uniform", ["1", "100"]),
        ({"log_uniform": ["1", "100"]}, "constant", ["10"]),
        (["0", "1"], "steps", ["0", "1", "0.1"]),
        ({"steps": ["0", "0.3", "0.1"]}, "choice", ["0, 0.1, 0.2, 0.3"]),
        ({"choice": ["4", "1", "2"]}, "constant", ["2"]),
        ({"choice": ["4", "1", "2"]}, "uniform", ["1", "4"]),
        ("7", "choice", ["7"]),
        ("0", "uniform", ["-4", "4"]),
        ("-20", "uniform", ["-20", "-16"]),
    ],
)  # fmt: skip
def test_another_kind_keeps_what_it_can(raw: Any, kind: str, numbers: list[str]) -> None:
    field = question(raw, usual=(-20, 20))
    field.choose("", kind)
    assert (texts(field), field.message, field.rows[0].chosen) == (numbers, "", kind)
    assert PerAxis.parse(field.plain()) == field.value


def test_choosing_back_gives_the_numbers_back_until_one_is_typed() -> None:
    field = question(["-15", "14.5"])
    field.choose("", "normal")
    field.choose("", "uniform")
    assert field.plain() == ["-15", "14.5"]
    field.choose("", "constant")
    field.enter("", 0, "3")
    field.choose("", "uniform")
    assert field.plain() != ["-15", "14.5"]


def test_every_axis_gets_its_own_and_one_for_all_comes_back() -> None:
    field = question(["-1e-7", "1e-7"])
    field.split(True)
    assert [row.axis for row in field.rows] == ["z", "y", "x"]
    field.enter("y", 1, "0.5")
    assert field.plain() == {"z": ["-1e-7", "1e-7"], "y": ["-1e-7", "0.5"], "x": ["-1e-7", "1e-7"]}
    field.split(False)
    assert field.plain() == ["-1e-7", "1e-7"]
    field.split(True)
    assert field.plain()["y"] == ["-1e-7", "0.5"]


def test_an_axis_that_the_file_leaves_out_is_empty_and_can_be_filled() -> None:
    field = question({"y": "1", "x": ["1", "2"]})
    assert [(row.axis, row.chosen, len(row.boxes)) for row in field.rows] == [
        ("z", "", 0), ("y", "constant", 1), ("x", "uniform", 2),
    ]  # fmt: skip
    field.choose("z", "constant")
    assert list(field.plain()) == ["z", "y", "x"]


@pytest.mark.parametrize(
    ("index", "typed", "words"),
    [
        (0, "abc", "smallest: not a number; expected a number; got 'abc'"),
        (0, "0,5", "did you mean '0.5'?"),
        (0, "", "smallest: a value is needed"),
        (0, "20", "expected the smaller number first"),
        (0, "0", "out of range; expected numbers above 0 and at most 100; got 0 to 10"),
        (1, "101", "got 1 to 101"),
        (1, "inf", "not a number"),
    ],
)
def test_what_does_not_fit_stays_in_its_box_and_is_explained(index: int, typed: str, words: str) -> None:
    field = question(["1", "10"], minimum=0, open_minimum=True, maximum=100)
    edits: list[int] = []
    field.edited.connect(lambda: edits.append(1))
    field.enter("", index, typed)
    assert words.removesuffix("not a number") in field.message
    assert (texts(field)[index], field.plain(), edits) == (typed, ["1", "10"], [])
    field.enter("", index, "2")
    assert (field.message, texts(field)[index], edits) == ("", "2", [1])


def test_two_numbers_are_typed_one_after_the_other() -> None:
    field = question(["1", "10"])
    field.enter("", 0, "20")
    field.enter("", 1, "30")
    assert (field.plain(), field.message) == (["20", "30"], "")


def test_a_normal_distribution_is_within_its_bounds_with_all_it_draws() -> None:
    field = question({"normal": ["0.15", "0.05"]}, minimum=0)
    assert field.message == ""
    field.enter("", 1, "0.06")
    assert "got -0.03 to 0.33 (3 standard deviations around the mean)" in field.message


def test_what_is_no_distribution_is_kept_and_can_be_mended() -> None:
    field = question({"gauss": ["0", "1"]})
    assert field.plain() == {"gauss": ["0", "1"]}
    assert "got gauss" in field.message
    assert texts(field) == ["{gauss: [0, 1]}"]
    field.enter("", 0, "{normal: [0, 1]}")
    assert (field.message, texts(field)) == ("", ["0", "1"])


def test_a_distribution_may_be_left_out_where_that_is_an_answer() -> None:
    field = question(default=None, optional=True, per_axis=False)
    assert (field.rows[0].chosen, field.rows[0].boxes, field.message) == ("", (), "")
    field.choose("", "uniform")
    assert field.plain() == ["-0.2", "0.2"]
    field.choose("", "")
    assert (field.plain(), field.message) == (None, "")


def test_a_slider_goes_over_what_is_usual_or_allowed_and_over_what_there_is() -> None:
    def ends(field: DistributionField) -> list[float]:
        box = field.rows[0].boxes[0]
        found = []
        for tick in (0, box.ticks):
            field.drag("", 0, tick)
            found.append(float(texts(field)[0]))
        return found

    assert ends(question(usual=(-90, 90))) == [-90, 90]
    assert ends(question(minimum=0, maximum=1)) == [0, 1]
    assert ends(question(default=[0.0, 0.03], minimum=0, raw="0.02")) == [0, 0.075]
    assert ends(question(default=1.0, minimum=0, open_minimum=True)) == [0.01, 2]
    assert ends(question(raw="400", usual=(-90, 90))) == [-90, 400]


def test_a_slider_stops_at_the_other_end_and_takes_round_numbers() -> None:
    field = question(["-15.2", "15.25"], usual=(-90, 90))
    box = field.rows[0].boxes[0]
    field.drag("", 0, box.ticks)
    assert texts(field) == ["15.2", "15.25"]
    field.drag("", 0, box.tick + 3)
    assert texts(field) == ["-14.9", "15.25"]
    field.choose("", "log uniform")
    field.drag("", 0, 0)
    assert float(texts(field)[0]) == pytest.approx(0.09)


def test_the_range_of_a_slider_rests_while_it_is_dragged() -> None:
    field = question(["0", "400"], usual=(-90, 90))
    ticks = field.rows[0].boxes[1].ticks
    for tick in range(ticks, ticks // 2, -7):
        field.drag("", 1, tick)
        assert field.rows[0].boxes[1].ticks == ticks
    field.enter("", 1, "20")
    assert field.rows[0].boxes[1].ticks != ticks


@pytest.mark.parametrize("ends", [(0, 1), (-90, 90), (1e-7, 3e-7), (-1e6, 3), (0, 0.03), (5, 5), (0, 1e300)])
def test_every_place_of_a_scale_is_found_again(ends: tuple[float, float]) -> None:
    for scale in (Scale.even(*ends), Scale.ratio(max(ends[0], 1e-9), max(ends[1], 1e-8))):
        numbers = [scale.number(tick) for tick in range(scale.ticks + 1)]
        assert sorted(numbers) == numbers
        assert [scale.tick(number) for number in numbers] == list(range(scale.ticks + 1))
        assert max(len(f"{number:.12g}") for number in numbers) <= 14


def test_a_sketch_is_the_histogram_of_what_is_drawn() -> None:
    rng = np.random.default_rng(0)
    for raw in ([1, 3], {"normal": [2, 0.5]}, {"log_uniform": [0.5, 3]}):
        drawn = Distribution.parse(raw)
        x, y = np.array(sketch(drawn, 0, 4)[1]).T
        counts, edges = np.histogram([drawn.draw(rng) for _ in range(8_000)], 40, (0, 4))
        middle = (edges[1:] + edges[:-1]) / 8
        height = np.interp(middle, x[1:-1], y[1:-1], 0, 0)
        assert np.abs(counts / counts.sum() - height / height.sum()).max() < 0.013
    bars = sketch(Distribution.parse({"choice": [1, 1, 4]}), 0, 4)[1:]
    assert [bar[0][0] for bar in bars] == [0.25, 1]


@pytest.fixture
def bound(toy_project: Project) -> Bound:
    toy_project.edit(("augmentation",), [{"Turn": {"angle": ["0", "5"]}}])
    spec = next(spec for spec in describe(Experiment).fields if spec.name == "augmentation")
    return Bound(toy_project, ("augmentation",), item_of(spec, live_offers(toy_project)))


@pytest.fixture
def angle(bound: Bound) -> DistributionField:
    field = bound.item.find(("0", "Turn", "angle"))
    assert isinstance(field, DistributionField)
    return field


def written(project: Project) -> Any:
    assert project.experiment is not None
    return project.experiment.to_data()["augmentation"][0]["Turn"]["angle"]


def test_a_drag_is_told_live_and_taken_back_as_one(
    angle: DistributionField, toy_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(distribution, "monotonic", lambda: clock[0])
    seen: list[Any] = []
    toy_project.experiment_changed.connect(lambda: seen.append(written(toy_project)))
    for tick in (460, 470, 480):
        angle.drag("", 0, tick)
    assert seen == [["1", "5"], ["2", "5"], ["3", "5"]]
    clock[0] += 2 * distribution.REST
    angle.drag("", 0, 490)
    toy_project.undo()
    assert (written(toy_project), texts(angle)) == (["3", "5"], ["3", "5"])
    toy_project.undo()
    assert (written(toy_project), texts(angle)) == (["0", "5"], ["0", "5"])
    toy_project.redo()
    angle.drag("", 0, 490)
    toy_project.undo()
    assert written(toy_project) == ["3", "5"]


def test_kinds_numbers_and_axes_are_taken_back_one_by_one(angle: DistributionField, toy_project: Project) -> None:
    before = [written(toy_project)]
    changes: list[Callable[[], None]] = [
        lambda: angle.choose("", "normal"),
        lambda: angle.enter("", 1, "1e-7"),
        lambda: angle.split(True),
        lambda: angle.drag("x", 0, 0),
        lambda: angle.drag("y", 0, 0),
    ]
    for change in changes:
        change()
        assert written(toy_project) == angle.plain()
        before.append(written(toy_project))
    for former in reversed(before[:-1]):
        toy_project.undo()
        assert (written(toy_project), angle.plain(), angle.message) == (former, former, "")


def act(field: DistributionField, chance: random.Random) -> None:
    row, what = chance.choice(field.rows), chance.randrange(4)
    typed = ["0", "-3", "1e-7", "1e300", "1e-310", "abc", "nan", "1,5", "[1", "{a: b}", "", "1 2"]
    if what == 0:
        field.choose(row.axis, chance.choice(row.kinds))
    elif what == 1:
        field.enter(row.axis, chance.randrange(3), chance.choice(typed))
    elif what == 2:
        field.drag(row.axis, chance.randrange(3), chance.randrange(-5, 2000))
    else:
        field.split(chance.random() < 0.5)


def test_whatever_a_hand_does_the_file_holds_what_was_there_or_what_fits() -> None:
    chance = random.Random(5)
    loaded = [None, {}, "x", {"z": "1"}, {"choice": ["1"]}, ["1e300", "2e300"], {"log_uniform": ["1e-300", "9"]}]
    for _ in range(300):
        facts: dict[str, Any] = {"default": chance.choice([0.0, None]), "optional": chance.random() < 0.5}
        field = question(**facts, minimum=chance.choice([None, 0, -5]), maximum=chance.choice([None, 10]))
        for _ in range(8):
            before = field.plain()
            act(field, chance)
            assert field.plain() == before or answer.read(field.spec, field.plain()) == field.value
            field.load(chance.choice([field.plain(), field.plain(), *loaded]))
