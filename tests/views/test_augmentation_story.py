"""One story of the augmentation preview, told on Qt and on ipywidgets."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for
from tests.gui_toys import augment


class QtPanel:
    def __init__(self, model: AugmentationModel, show: Callable[[Any], None]) -> None:
        from fuse_gui.qt.augmentation import AugmentationView

        self.view = AugmentationView(model)
        show(self.view)
        self.view.show()

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


@pytest.fixture
def project(engine: FakeEngine, tmp_path: Path) -> Iterator[Project]:
    made = open_toy(engine, tmp_path)
    made.select("s1")
    yield made
    made.close()


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, project: Project) -> Iterator[Any]:
    model = AugmentationModel(project, pause=0.001)
    if request.param == "qt":
        qtbot = request.getfixturevalue("qtbot")
        yield QtPanel(model, qtbot.addWidget)
    else:
        yield NotebookPanel(model)
        W.Widget.close_all()


def settle(panel: Any) -> None:
    wait_for(lambda: not panel.view.model.refresh.stale)


def test_the_draws_are_scrubbed(panel: Any) -> None:
    settle(panel)
    assert "Flip: axes (x), shift (0.25, -1)" in panel.words()
    panel.drag(12)
    settle(panel)
    assert panel.after() == 12 + 7
    assert "what epoch 12 trains on" in panel.words()
    assert "mask, class 1: 40 → 30 mm², -25.0 %" in panel.words()


def test_steps_are_added_and_removed(panel: Any, project: Project) -> None:
    settle(panel)
    assert panel.steps() - nested(panel) == 2
    panel.view.model.steps.add("Noise")
    panel.view.model.steps.remove(0)
    settle(panel)
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


def test_the_notebook_leaves_the_screen_to_the_data_panel(project: Project) -> None:
    panel = NotebookPanel(AugmentationModel(project, pause=0.001))
    settle(panel)
    picture = project.screen.picture("image")
    assert picture is not None
    assert picture.array.shape == (1, 4, 6)
    assert panel.view.model.after.picture("image") is not None
    W.Widget.close_all()
