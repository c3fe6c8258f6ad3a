"""One story of the augmentation preview, told on Qt and on ipywidgets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.project import Project
from fuse_gui.notebook.augmentation import AugmentationView as NotebookView
from fuse_gui.qt.augmentation import AugmentationView
from tests.gui_engine import FakeEngine
from tests.gui_toys import augment
from tests.views.steps import NotebookSteps, QtSteps, opened


class QtPanel(QtSteps):
    draws = AugmentationView

    def drag(self, draw: int) -> None:
        self.view.slider.setValue(draw)

    def after(self) -> float:
        picture = self.view.model.project.screen.picture("image")
        assert picture is not None
        return float(picture.array.max())


class NotebookPanel(NotebookSteps):
    draws = NotebookView

    def drag(self, draw: int) -> None:
        self.view.draw.value = draw

    def after(self) -> float:
        assert np.asarray(Image.open(io.BytesIO(self.view.before.value))).max() > 0
        picture = self.view.model.after.picture("image")
        assert picture is not None
        return float(picture.array.max())


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(augment=augment)


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    with opened(request, engine, tmp_path, AugmentationModel, QtPanel, NotebookPanel) as panel:
        yield panel


def test_the_draws_are_scrubbed(panel: Any) -> None:
    panel.until("Flip: axes (x), shift (0.25, -1)")
    panel.drag(12)
    panel.settle()
    assert panel.after() == 11 + 7, "draw 12 is the 12th epoch, number 11 in the engine"
    assert "what epoch 12 trains on" in panel.words()
    panel.until("mask, class 1: 40 → 30 mm², -25.0 %")


def test_steps_are_added_and_removed(panel: Any, project: Project) -> None:
    panel.settle()
    assert len(panel.view.steps.cards) == 2
    panel.view.model.steps.add("Noise")
    panel.view.model.steps.remove(0)
    panel.settle()
    assert project.experiment is not None
    assert [step.name for step in project.experiment.augmentation] == ["Noise", "Noise"]
    project.undo()
    project.undo()
    assert [step.name for step in project.experiment.augmentation] == ["Flip", "Noise"]


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
