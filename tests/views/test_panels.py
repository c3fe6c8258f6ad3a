"""The Model and Processors docks in Qt: what is clicked reaches the model, and what it says is shown."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QApplication, QLineEdit

from fuse_engine.core.errors import SampleError
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.project import Project
from fuse_gui.qt.builder import BuilderView
from fuse_gui.qt.cards import Card
from fuse_gui.qt.hop import qt_deliver
from fuse_gui.qt.processors import Facts, ProcessorsView
from tests.gui_engine import FakeEngine, picture
from tests.gui_project import open_toy
from tests.gui_toys import FACTS


def steps(**_: Any) -> list[dict[str, Any]]:
    names = ("Load", "Window")
    return [
        {"name": name, "seconds": 0.1, "cached": False, **FACTS, "picture": picture(number)}
        for number, name in enumerate(names, 1)
    ]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(steps=steps)


@pytest.fixture
def project(engine: FakeEngine, tmp_path: Path, qapp: QApplication) -> Iterator[Project]:
    made = open_toy(engine, tmp_path, qt_deliver())
    yield made
    made.close()


@pytest.fixture
def model_view(project: Project, qtbot: Any) -> BuilderView:
    view = BuilderView(BuilderModel(project))
    qtbot.addWidget(view)
    view.resize(420, 600)
    view.show()
    return view


def unfold(view: BuilderView) -> None:
    for card in view.findChildren(Card):
        card.unfold()


def test_a_click_on_a_problem_goes_to_its_field(
    model_view: BuilderView, engine: FakeEngine, project: Project
) -> None:
    engine.answers["validate"] = [{"message": "too few", "where": "losses.overlap.Dice.smooth"}]
    project.check()
    assert model_view.problems.item(0).text() == "losses.overlap.Dice.smooth: too few"
    assert model_view.findChild(QLineEdit, "smooth") is None  # a card is folded, and drawn when it is opened
    model_view.problems.setCurrentRow(0)
    model_view.problems.itemClicked.emit(model_view.problems.item(0))
    QApplication.processEvents()
    assert not model_view.findChild(QLineEdit, "smooth").visibleRegion().isEmpty()


def test_a_folded_card_opens_for_its_problem(
    model_view: BuilderView, engine: FakeEngine, project: Project
) -> None:
    engine.answers["validate"] = [{"message": "too few", "where": "losses.overlap.Dice.smooth"}]
    project.check()
    unfold(model_view)
    smooth = model_view.findChild(QLineEdit, "smooth")
    for card in model_view.findChildren(Card):
        card.unfold(False)
    assert not smooth.isVisible()
    model_view.model.focus(model_view.model.problems[0])
    assert smooth.isVisible()


def test_what_was_removed_hears_of_nothing_any_more(
    model_view: BuilderView, engine: FakeEngine, project: Project
) -> None:
    cards = [weakref.ref(card) for card in model_view.findChildren(Card)]
    assert len(cards) == 3
    project.edit(("model",), {"Net": {"heads": {}}})
    project.edit(("losses",), {})
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    engine.answers["flow"] = [{"key": "data.input.new"}]
    project.check()
    assert [card() for card in cards] == [None] * 3


def test_keys_and_shapes_are_a_table(model_view: BuilderView, engine: FakeEngine, project: Project) -> None:
    engine.answers["flow"] = [
        {
            "key": "model.logits.seg",
            "shape": [3, 8, 8],
            "dtype": "float32",
            "producer": "seg",
            "consumers": ["a", "b"],
        }
    ]
    project.check()
    table = model_view.table
    assert [table.item(0, column).text() for column in range(table.columnCount())] == [
        "model.logits.seg", "3 × 8 × 8", "float32", "seg", "a, b",
    ]  # fmt: skip


def test_the_text_is_copied(model_view: BuilderView, project: Project) -> None:
    as_text = model_view.as_text
    as_text.open()
    assert as_text.text.toPlainText() == project.as_yaml()
    as_text.tabs.setCurrentIndex(2)
    as_text.copy.click()
    assert QApplication.clipboard().text() == project.as_command()
    project.edit(("seed",), 9)
    as_text.tabs.setCurrentIndex(0)
    assert "seed: 9" in as_text.text.toPlainText()


def test_edits_are_undone_with_a_button(model_view: BuilderView, project: Project) -> None:
    assert not model_view.undo.isEnabled()
    unfold(model_view)
    smooth = model_view.findChild(QLineEdit, "smooth")
    smooth.setText("5")
    smooth.editingFinished.emit()
    model_view.undo.click()
    assert smooth.text() == "1"
    assert model_view.redo.isEnabled()


@pytest.fixture
def processors(project: Project, qtbot: Any) -> ProcessorsView:
    project.select("s1")
    view = ProcessorsView(ProcessorsModel(project, pause=0.001))
    qtbot.addWidget(view)
    view.show()
    qtbot.waitUntil(lambda: bool(view.model.results))
    return view


def test_a_click_on_a_card_shows_the_sample_after_that_step(
    processors: ProcessorsView, project: Project, qtbot: Any
) -> None:
    cards = processors.findChildren(Facts)
    assert [card.facts.text() for card in cards] == ["float32  1 × 4 × 6,  0.5 × 0.25 mm"] * 2
    for card, value in zip(cards, (1.0, 2.0), strict=True):
        qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
        shown = project.screen.picture("image")
        assert shown is not None
        assert float(shown.array.max()) == value


def test_the_failing_step_says_so(
    processors: ProcessorsView, project: Project, engine: FakeEngine, qtbot: Any
) -> None:
    engine.answers["steps"] = SampleError("empty window", where="data.input.image.1.Window", sample="s1")
    project.edit(("data", "input", "image", 1), {"Window": {"high": "5"}})
    qtbot.waitUntil(lambda: not processors.model.refresh.stale)
    cards = processors.findChildren(Facts)
    assert [card.error.text() for card in cards] == ["", "empty window; sample 's1'"]


def test_another_key_brings_other_cards(processors: ProcessorsView) -> None:
    processors.keys.setCurrentText("data.gt.mask")
    processors.keys.activated.emit(2)
    assert processors.model.steps.plain() == [{"Load": {"column": "mask"}}]
    assert len(processors.steps.cards) == 1


def test_a_hidden_panel_computes_nothing(
    processors: ProcessorsView, project: Project, engine: FakeEngine, qtbot: Any
) -> None:
    processors.hide()
    engine.asked.clear()
    project.edit(("data", "input", "image", 1), {"Window": {"high": "5"}})
    project.select("s2")
    qtbot.waitUntil(lambda: "validate" in engine.methods())
    assert "steps" not in engine.methods()
