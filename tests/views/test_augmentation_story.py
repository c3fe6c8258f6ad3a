"""One story of the augmentation preview, told on Qt and on ipywidgets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from fuse_gui.qt.hop import qt_deliver
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for
from tests.gui_toys import augment


class QtPanel:
    def __init__(self, model: AugmentationModel, bot: Any) -> None:
        from fuse_gui.qt.augmentation import AugmentationView

        self.view, self.bot = AugmentationView(model), bot
        bot.addWidget(self.view)
        self.view.show()

    def settle(self) -> None:
        self.bot.waitUntil(lambda: not self.view.model.refresh.stale)

    def drag(self, draw: int) -> None:
        self.view.slider.setValue(draw)

    def words(self) -> str:
        view = self.view
        return "\n".join(text.text() for text in (view.draw_text, view.state, view.drawn, view.damage))

    def after(self) -> float:
        picture = self.view.model.project.screen.picture("image")
        assert picture is not None
        return float(picture.array.max())

    def steps(self) -> int:
        from fuse_gui.qt.cards import Card

        return len(self.view.findChildren(Card))


class NotebookPanel:
    def __init__(self, model: AugmentationModel) -> None:
        from fuse_gui.notebook.augmentation import AugmentationView

        self.view = AugmentationView(model)

    def settle(self) -> None:
        wait_for(lambda: not self.view.model.refresh.stale)

    def drag(self, draw: int) -> None:
        self.view.draw.value = draw

    def words(self) -> str:
        view = self.view
        lines = [*view.drawn.children, *view.damage.children]
        return "\n".join(text.text for text in (view.draw_text, view.state, *lines))

    def after(self) -> float:
        assert np.asarray(Image.open(io.BytesIO(self.view.before.value))).max() > 0
        picture = self.view.model.after.picture("image")
        assert picture is not None
        return float(picture.array.max())

    def steps(self) -> int:
        from fuse_gui.notebook.cards import Card

        def cards(widget: Any) -> int:
            return isinstance(widget, Card) + sum(map(cards, getattr(widget, "children", ())))

        return cards(self.view)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(augment=augment)


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    bot = request.getfixturevalue("qtbot") if request.param == "qt" else None
    project = open_toy(engine, tmp_path, qt_deliver() if bot else call_now)
    project.select("s1")
    model = AugmentationModel(project, pause=0.001)
    yield QtPanel(model, bot) if bot else NotebookPanel(model)
    project.close()
    W.Widget.close_all()


@pytest.fixture
def project(panel: Any) -> Project:
    opened: Project = panel.view.model.project
    return opened


def test_the_draws_are_scrubbed(panel: Any) -> None:
    panel.settle()
    assert "Flip: axes (x), shift (0.25, -1)" in panel.words()
    panel.drag(12)
    panel.settle()
    assert panel.after() == 11 + 7, "draw 12 is the 12th epoch, number 11 in the engine"
    assert "what epoch 12 trains on" in panel.words()
    assert "mask, class 1: 40 → 30 mm², -25.0 %" in panel.words()


def test_steps_are_added_and_removed(panel: Any, project: Project) -> None:
    panel.settle()
    assert panel.steps() - nested(panel) == 2
    panel.view.model.steps.add("Noise")
    panel.view.model.steps.remove(0)
    panel.settle()
    assert project.experiment is not None
    assert [step.name for step in project.experiment.augmentation] == ["Noise", "Noise"]
    project.undo()
    project.undo()
    assert [step.name for step in project.experiment.augmentation] == ["Flip", "Noise"]


def nested(panel: Any) -> int:
    """Cards of the keys inside the steps."""
    return sum(len(step.find(("Flip", "keys")).children()) for step in panel.view.model.steps.items[:1])


def test_without_a_sample_the_panel_says_what_to_do(panel: Any, project: Project) -> None:
    project.select("")
    assert "Choose a sample in the Data panel." in panel.words()


@pytest.mark.parametrize("panel", ["notebook"], indirect=True)
def test_the_notebook_leaves_the_screen_to_the_data_panel(panel: Any, project: Project) -> None:
    panel.settle()
    picture = project.screen.picture("image")
    assert picture is not None
    assert picture.array.shape == (1, 4, 6)
    assert panel.view.model.after.picture("image") is not None
