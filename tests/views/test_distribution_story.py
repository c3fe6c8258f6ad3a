"""One story of a distribution, told on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fuse_gui.models.distribution import DistributionField
from fuse_gui.models.field import Item
from fuse_gui.models.form import Group
from fuse_gui.notebook.distribution import drawing
from tests.gui_toys import training

Draw = Callable[[Item], Any]


@pytest.fixture
def form() -> Group:
    made = training()
    made.load({"angle": ["-15", "15"]})
    return made


@pytest.fixture
def angle(form: Group) -> DistributionField:
    field = form.items["angle"]
    assert isinstance(field, DistributionField)
    return field


def boxes(hand: Any, *names: str) -> list[str]:
    return [hand.shown(name) for name in names]


def test_kind_numbers_and_sliders_are_shown(form: Group, draw: Draw) -> None:
    hand = draw(form)
    assert boxes(hand, "angle-kind", "angle-0", "angle-1") == ["uniform", "-15", "15"]
    assert [hand.slider(f"angle-{end}") for end in (0, 1)] == [(300, 900), (600, 900)]
    assert boxes(hand, "strength-kind", "strength-0", "strength-1") == ["uniform", "0", "0.5"]
    assert hand.shown("angle-each") is False
    with pytest.raises(IndexError):
        hand.shown("strength-each")


def test_a_slider_moves_the_number_while_it_is_dragged(form: Group, angle: DistributionField, draw: Draw) -> None:
    hand, seen = draw(form), []
    form.edited.connect(lambda: seen.append(form.plain()["angle"]))
    for tick in (290, 280, 270):
        hand.drag("angle-0", tick)
    assert seen == [["-16", "15"], ["-17", "15"], ["-18", "15"]]
    hand.drag("angle-0", 900)
    assert (hand.shown("angle-0"), hand.slider("angle-0")) == ("15", (600, 900))


def test_another_kind_brings_its_own_boxes(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("angle-kind", "normal")
    assert boxes(hand, "angle-0", "angle-1") == ["0", "5"]
    assert {"mean", "sd"} <= set(hand.texts())
    hand.enter("angle-kind", "steps")
    assert boxes(hand, "angle-0", "angle-1", "angle-2") == ["-15", "15", "3"]
    hand.enter("angle-kind", "choice")
    hand.enter("angle-0", "-90, 0, 90, 1e-7")
    assert form.plain()["angle"] == {"choice": ["-90", "0", "90", "1e-7"]}
    with pytest.raises(IndexError):
        hand.slider("angle-0")


def test_every_axis_has_a_row_and_goes_again(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("angle-each", True)
    hand.enter("angle-y-kind", "constant")
    hand.enter("angle-y-0", "0.30000000000000004")
    wanted = {"z": ["-15", "15"], "y": "0.30000000000000004", "x": ["-15", "15"]}
    assert (form.plain()["angle"], hand.shown("angle-each")) == (wanted, True)
    hand.enter("angle-each", False)
    assert form.plain()["angle"] == ["-15", "15"]
    with pytest.raises(IndexError):
        hand.shown("angle-y-0")


def test_what_does_not_fit_is_explained_and_stays_until_it_is_mended(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("strength-0", "-1")
    assert any("numbers at least 0; got -1 to 0.5" in text for text in hand.texts())
    assert hand.shown("strength-0") == "-1"
    hand.enter("strength-0", "0.10")
    assert not any("at least 0" in text for text in hand.texts())
    assert form.plain()["strength"] == ["0.10", "0.5"]


def test_what_the_file_says_reaches_the_boxes(form: Group, angle: DistributionField, draw: Draw) -> None:
    hand = draw(form)
    form.load({"angle": {"z": "400", "y": "1", "x": {"log_uniform": ["1", "2"]}}})
    assert boxes(hand, "angle-z-0", "angle-x-kind", "angle-x-1") == ["400", "log uniform", "2"]
    assert hand.slider("angle-z-0")[0] == hand.slider("angle-z-0")[1]
    form.load({"angle": {"gauss": ["1"]}})
    assert hand.shown("angle-0") == "{gauss: [1]}"
    hand.enter("angle-0", "{normal: [0, 1]}")
    assert (hand.shown("angle-kind"), angle.message) == ("normal", "")


def test_the_drawing_is_markup_of_numbers_only(angle: DistributionField) -> None:
    import xml.etree.ElementTree as ET

    picture = ET.fromstring(drawing(angle.rows[0].sketch))  # noqa: S314 what the line above wrote
    assert [line.attrib["points"] for line in picture] == [
        "2.0,18.0 102.0,18.0", "35.3,18.0 35.3,2.0 68.7,2.0 68.7,18.0",
    ]  # fmt: skip


def test_qt_paints_the_sketch(form: Group, qtbot: Any) -> None:
    from fuse_gui.qt.distribution import Sketch
    from fuse_gui.qt.form import render

    view = render(form)
    qtbot.addWidget(view)
    view.show()
    sketch = next(s for s in view.findChildren(Sketch) if s.isVisibleTo(view))
    image = sketch.grab().toImage()
    middle = [image.pixelColor(x, image.height() // 2) for x in range(image.width())]
    blue = [x for x, colour in enumerate(middle) if colour.blue() - colour.red() > 60]
    ends = [share * (image.width() - 4) + 2 for share in (30 / 90, 60 / 90)]
    assert blue
    assert [min(blue), max(blue)] == pytest.approx(ends, abs=3)
