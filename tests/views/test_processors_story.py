"""One story of the processor preview, told on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest

from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from fuse_gui.qt.hop import qt_deliver
from tests.gui_engine import FakeEngine, picture
from tests.gui_project import open_toy, wait_for

FACTS = {"shape": [1, 4, 6], "dtype": "float32", "min": 0.0, "max": 1.0, "mean": 0.25, "spacing": [0.5, 0.25]}


def steps(key: str, **_: Any) -> list[dict[str, Any]]:
    first = {"name": "Load", "seconds": 0.01, "cached": True, "bytes": 96_000, **FACTS, "picture": picture(1)}
    return [first, {"name": "Window", "seconds": 0.002, "cached": False, **FACTS, "picture": picture(2)}]


class QtPanel:
    def __init__(self, model: ProcessorsModel, bot: Any) -> None:
        from fuse_gui.qt.processors import ProcessorsView

        self.view, self.bot = ProcessorsView(model), bot
        bot.addWidget(self.view)
        self.view.show()

    def settle(self) -> None:
        self.bot.waitUntil(lambda: not self.view.model.refresh.stale)

    def until(self, words: str) -> None:
        self.bot.waitUntil(lambda: words in self.words())

    def click_step(self, index: int) -> None:
        from qtpy.QtCore import Qt

        from fuse_gui.qt.processors import Facts

        cards = {facts._index: facts for facts in self.view.findChildren(Facts)}
        self.bot.mouseClick(cards[index], Qt.MouseButton.LeftButton)

    def wipe(self, share: float) -> None:
        assert self.view.wipe.isEnabled()
        self.view.wipe.setValue(round(share * self.view.wipe.maximum()))

    def round_trip(self) -> None:
        self.view.round_trip.click()

    def tree(self) -> list[str]:
        from qtpy.QtWidgets import QTreeWidgetItemIterator

        found, walk = [], QTreeWidgetItemIterator(self.view.tree)
        while walk.value() is not None:
            item = walk.value()
            color = item.foreground(0).color().name()
            texts = [item.text(column) for column in range(4)]
            found.append(" | ".join([*texts, "red" if color == "#e5484d" else ""]))
            walk += 1
        return found

    def words(self) -> str:
        from fuse_gui.qt.controls import Text

        return "\n".join(text.text() for text in self.view.findChildren(Text) if not text.isHidden())


class NotebookPanel:
    def __init__(self, model: ProcessorsModel) -> None:
        from fuse_gui.notebook.processors import ProcessorsView

        self.view = ProcessorsView(model)

    def settle(self) -> None:
        wait_for(lambda: not self.view.model.refresh.stale)

    def until(self, words: str) -> None:
        wait_for(lambda: words in self.words())

    def click_step(self, index: int) -> None:
        self.view.results.children[index].children[0].click()

    def wipe(self, share: float) -> None:
        assert not self.view.wipe.disabled
        self.view.wipe.value = share

    def round_trip(self) -> None:
        self.view.round_trip.click()

    def tree(self) -> list[str]:
        lines = self.view.tree.children
        return [line.text + (" red" if "#d0353a" in line.value else "") for line in lines]

    def words(self) -> str:
        from fuse_gui.notebook.controls import Text

        def texts(widget: Any) -> Iterator[str]:
            if isinstance(widget, Text):
                yield widget.text
            for child in getattr(widget, "children", ()):
                yield from texts(child)

        return "\n".join(texts(self.view))


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(steps=steps)


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    bot = request.getfixturevalue("qtbot") if request.param == "qt" else None
    project = open_toy(engine, tmp_path, qt_deliver() if bot else call_now)
    project.select("s1")
    made = ProcessorsModel(project, pause=0.001)
    panel = QtPanel(made, bot) if bot else NotebookPanel(made)
    panel.settle()
    yield panel
    project.close()
    W.Widget.close_all()


@pytest.fixture
def project(panel: Any) -> Project:
    opened: Project = panel.view.model.project
    return opened


def test_each_card_says_what_its_step_made(panel: Any) -> None:
    panel.until("4 of 6 samples are kept")
    words = panel.words()
    assert "min 0,  max 1,  mean 0.25,  0.096 MB,  cached" in words
    assert "min 0,  max 1,  mean 0.25,  2 ms" in words


def test_the_curtain_shows_the_sample_before_the_step(panel: Any, project: Project) -> None:
    panel.click_step(1)
    panel.wipe(0.5)
    before, after = project.screen.picture("before"), project.screen.picture("image")
    assert before is not None
    assert after is not None
    assert (before.array.shape, after.array.shape) == ((1, 4, 3), (1, 4, 6))
    assert (np.unique(before.array).tolist(), np.unique(after.array).tolist()) == ([1], [2])
    assert before.geometry.origin == after.geometry.origin
    panel.wipe(0)
    assert project.screen.picture("before") is None


def test_the_first_step_has_no_before(panel: Any, project: Project) -> None:
    panel.click_step(1)
    panel.wipe(1)
    panel.click_step(0)
    assert project.screen.picture("before") is None


def test_the_round_trip_is_told(panel: Any, engine: FakeEngine) -> None:
    panel.round_trip()
    panel.until("✓ gt.mask: displaced by at most 0.1 mm (0.2 voxels), Dice of label 1 0.900, 25.0% cut off")


def test_the_tree_names_makers_readers_and_what_is_missing(panel: Any, project: Project) -> None:
    lines = panel.tree()
    assert any("image" in line and "float32  1 × 4 × 6" in line and "Load → Window" in line for line in lines)
    assert any("augmentation.0" in line for line in lines)
    assert not any("red" in line for line in lines)
    project.edit(("losses", "hard", "Focal", "pred"), "data.gt.mazk")
    panel.settle()
    missing = next(line for line in panel.tree() if "mazk" in line)
    assert "nothing makes it; did you mean 'data.gt.mask'?" in missing
    assert "losses.hard" in missing
    assert "red" in missing


def test_a_notebook_makes_and_removes_keys_and_says_what_is_wrong(engine: FakeEngine, tmp_path: Path) -> None:
    project = open_toy(engine, tmp_path)
    view = NotebookPanel(ProcessorsModel(project)).view
    view.name.value = "mask"
    view.new.click()
    assert "expected data.input.<name> or data.gt.<name>" in view.problems.text
    view.name.value = "data.gt.lesion"
    view.new.click()
    assert (view.chooser.value, view.problems.text) == ("data.gt.lesion", "")
    view.drop.click()
    assert "data.gt.lesion" not in view.chooser.options
    project.close()
    W.Widget.close_all()


def test_lines_stay_lines_in_a_notebook() -> None:
    from fuse_gui.notebook.controls import Text

    assert "pre-line" in Text("one\n<b>two</b>").value
    assert "<b>" not in Text("one\n<b>two</b>").value


def test_what_goes_wrong_with_the_round_trip_is_told(panel: Any, engine: FakeEngine) -> None:
    trip = {**engine.answers["roundtrip"]["data.gt.mask"], "ok": False, "reason": "step 1 Flip moved the pixels"}
    engine.answers["roundtrip"] = {"data.gt.mask": trip}
    panel.round_trip()
    panel.until("step 1 Flip")
    assert "✗ gt.mask" in panel.words()
