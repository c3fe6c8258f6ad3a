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
from fuse_gui.notebook.processors import ProcessorsView as NotebookView
from fuse_gui.qt.processors import Facts, ProcessorsView
from tests.gui_engine import FakeEngine, picture
from tests.gui_project import open_toy, wait_for
from tests.gui_toys import FACTS
from tests.views.steps import NotebookSteps, QtSteps, opened


def steps(key: str, **_: Any) -> list[dict[str, Any]]:
    first = {"name": "Load", "seconds": 0.01, "cached": True, "bytes": 96_000, **FACTS, "picture": picture(1)}
    return [first, {"name": "Window", "seconds": 0.002, "cached": False, **FACTS, "picture": picture(2)}]


def many_pictures(id: str, chosen: list[str], **_: Any) -> dict[str, Any]:  # noqa: A002 the protocol's name
    keys = {"image": ["data.input.image", "data.input.other"], "gt": ["data.gt.mask"]}
    image = next((key for key in keys["image"] if key in chosen), keys["image"][0])
    return {
        "fingerprint": f"{id} {chosen}", "keys": keys, "shown": {"image": image, "gt": "data.gt.mask"},
        "image": picture(7 if image.endswith("other") else 1), "gt": picture(3, label=True), "values": {},
    }  # fmt: skip


def value(project: Project, name: str) -> float:
    found = project.screen.picture(name)
    assert found is not None
    return float(found.array.max())


class QtPanel(QtSteps):
    draws = ProcessorsView

    def click_step(self, index: int) -> None:
        from qtpy.QtCore import Qt

        facts = self.view.steps.cards[index].findChild(Facts)
        self.bot.mouseClick(facts, Qt.MouseButton.LeftButton)

    def wipe(self, share: float) -> None:
        assert self.view.wipe.isEnabled()
        self.view.wipe.setValue(round(share * self.view.wipe.maximum()))

    def round_trip(self) -> None:
        self.view.round_trip.click()

    def click_key(self, name: str) -> None:
        from qtpy.QtCore import Qt

        tree = self.view.tree
        [item] = tree.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
        tree.itemClicked.emit(item, 0)

    def bold(self) -> list[str]:
        from qtpy.QtCore import Qt

        found = self.view.tree.findItems("*", Qt.MatchFlag.MatchWildcard | Qt.MatchFlag.MatchRecursive)
        return [item.text(0) for item in found if item.font(0).bold()]

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


class NotebookPanel(NotebookSteps):
    draws = NotebookView

    def click_step(self, index: int) -> None:
        self.view.steps.cards[index].more.choose.click()

    def wipe(self, share: float) -> None:
        assert not self.view.wipe.disabled
        self.view.wipe.value = share

    def round_trip(self) -> None:
        self.view.round_trip.click()

    def tree(self) -> list[str]:
        return [self.line(line) + (" red" if "#d0353a" in line.facts.value else "") for line in self.lines()]

    def lines(self) -> Any:
        return self.view.tree.children

    def line(self, line: Any) -> str:
        name = line.name.description if isinstance(line.name, W.Button) else line.name.text
        return f"{name}   {line.facts.text}"

    def click_key(self, name: str) -> None:
        next(line.name for line in self.lines() if getattr(line.name, "description", "") == name).click()

    def bold(self) -> list[str]:
        names = [line.name for line in self.lines() if isinstance(line.name, W.Button)]
        return [name.description for name in names if name.style.font_weight == "bold"]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(steps=steps)


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    with opened(request, engine, tmp_path, ProcessorsModel, QtPanel, NotebookPanel) as panel:
        yield panel


def test_each_card_says_what_its_step_made(panel: Any) -> None:
    panel.until("4 of 6 samples are kept")
    words = panel.words()
    assert "min 0,  max 1,  mean 0.25,  0.096 MB,  cached" in words
    assert "min 0,  max 1,  mean 0.25,  2 ms" in words


def test_a_card_and_all_in_it_go_with_its_step(panel: Any) -> None:
    first, second = panel.view.steps.cards
    panel.view.model.steps.remove(0)
    assert list(panel.view.steps.cards) == [second]
    if isinstance(panel, NotebookPanel):
        assert (first.comm, first.more.comm, first.more.facts.comm) == (None, None, None)
        assert second.more.facts.comm is not None


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
    panel.wait(lambda: any("float32  1 × 4 × 6" in line for line in panel.tree()))
    lines = panel.tree()
    assert any("image" in line and "float32  1 × 4 × 6" in line and "Load → Window" in line for line in lines)
    assert any("augmentation.0" in line for line in lines)
    assert not any("red" in line for line in lines)
    project.edit(("losses", "hard", "Focal", "pred"), "data.gt.mazk")
    panel.wait(lambda: any("mazk" in line for line in panel.tree()))
    missing = next(line for line in panel.tree() if "mazk" in line)
    assert "nothing makes it; did you mean 'data.gt.mask'?" in missing
    assert "losses.hard" in missing
    assert "red" in missing


def test_a_click_on_a_key_shows_what_it_holds(panel: Any, project: Project, engine: FakeEngine) -> None:
    engine.answers["sample"] = many_pictures
    project.select("s2")
    panel.settle()
    assert set(panel.bold()) == {"image", "mask"}
    panel.click_step(0)
    panel.click_key("other")
    wait_for(lambda: value(project, "image") == 7)
    assert (panel.view.model.key, panel.view.model.shown) == ("data.input.other", None)
    panel.settle()
    assert set(panel.bold()) == {"other", "mask"}
    project.screen.restyle("gt", visible=False)
    panel.click_key("mask")
    assert (value(project, "image"), value(project, "gt")) == (7, 3), "the other one stays"
    assert project.screen.style("gt")["visible"]


def test_a_notebook_makes_and_removes_keys_and_says_what_is_wrong(engine: FakeEngine, tmp_path: Path) -> None:
    project = open_toy(engine, tmp_path)
    view = NotebookView(ProcessorsModel(project))
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
