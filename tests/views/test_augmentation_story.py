"""One story of the Augmentation panel, told on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.project import Project
from fuse_gui.models.screen import Screen
from tests.gui_augmented import ANSWERS, IMAGE
from tests.gui_engine import FakeEngine
from tests.views.augmentation_notebook import NotebookPanel
from tests.views.augmentation_qt import QtPanel
from tests.views.steps import opened

MIDDLE = float(IMAGE[0, 2].mean())
"""Mean of the slice that is looked at first, before augmentation."""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(**ANSWERS)


@pytest.fixture(params=["qt", "notebook"])
def panel(request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path) -> Iterator[Any]:
    screen = Screen() if request.param == "notebook" else None
    make = partial(AugmentationModel, screen=screen, calm=0.01)
    with opened(request, engine, tmp_path, make, QtPanel, NotebookPanel) as panel:
        panel.slide(0, 2)
        whole(panel)
        yield panel


def whole(panel: Any) -> None:
    panel.wait(lambda: panel.view.model.is_whole)


def steps(project: Project) -> list[Any]:
    assert project.experiment is not None
    return [step.model_dump() for step in project.experiment.augmentation]


def test_the_draws_are_scrubbed(panel: Any) -> None:
    panel.until("axes (x), shift (0.25, -1)")
    panel.drag(12)
    whole(panel)
    assert panel.shown() == pytest.approx(MIDDLE + 12_000)
    assert "draw 12: what epoch 12 trains on" in panel.words()
    assert "12.5 ms" in panel.words()


def test_the_plane_comes_first_and_the_whole_sample_after_it(panel: Any, engine: FakeEngine) -> None:
    engine.hold.add("augment")
    panel.drag(3)
    panel.wait(lambda: bool(engine.held))
    assert panel.shown() == pytest.approx(MIDDLE + 3_001), "one off: it is approximate"
    panel.until("≈ approximate")
    panel.wait(lambda: len(engine.held) > 0)
    engine.release()
    whole(panel)
    assert panel.shown() == pytest.approx(MIDDLE + 3_000)
    assert "≈" not in panel.words()


def test_the_plane_that_is_looked_at_is_asked_for(panel: Any, engine: FakeEngine) -> None:
    engine.hold.add("augment")
    for axis, place, stored in ((2, 1, 4), (1, 0, 4), (0, 3, 3)):
        panel.slide(axis, place)
        panel.drag(10 + axis)
        panel.settle()
        asked = [arguments for method, arguments in engine.asked if method == "augment_plane"][-1]
        assert (asked["axis"], asked["place"]) == (axis, stored)
        cut = (slice(None),) * (1 + axis) + (stored,)
        assert panel.shown() == pytest.approx(float(IMAGE[cut].mean()) + 1000 * (10 + axis) + 1)


def test_before_and_after_take_turns(panel: Any) -> None:
    panel.side("before")
    assert panel.shown() == pytest.approx(MIDDLE)
    panel.side("after")
    assert panel.shown() == pytest.approx(MIDDLE + 1000)
    panel.wipe(0.5)
    curtain = panel.view.model.screen.picture("before")
    assert curtain.array.shape[-1] == 3
    assert curtain.array.max() == IMAGE.max()
    panel.wipe(0)
    panel.flicker(True)
    panel.wait(lambda: panel.shown() == pytest.approx(MIDDLE))
    panel.flicker(False)


def test_a_card_shows_the_sample_after_its_step(panel: Any) -> None:
    panel.click_step(0)
    panel.until("After step 1, Flip")
    panel.wait(lambda: panel.shown() == pytest.approx(MIDDLE + 1000.1))
    panel.click_step(1)
    panel.wait(lambda: panel.shown() == pytest.approx(MIDDLE + 1000.2))
    panel.click_step(1)
    whole(panel)
    assert panel.shown() == pytest.approx(MIDDLE + 1000)


def test_a_step_is_switched_off_and_undone(panel: Any, project: Project) -> None:
    before = steps(project)
    panel.switch(0, False)
    assert steps(project)[0] == {"Flip": {"p": "0.5", "enabled": False}}
    assert "enabled: false" in panel.copy()
    panel.undo()
    assert steps(project) == before
    panel.redo()
    assert steps(project)[0]["Flip"]["enabled"] is False


def test_damage_and_warnings_are_said_and_mended(panel: Any, project: Project) -> None:
    panel.until("tumour: size -25.0%, boundary off by 1.5 mm (more than 20 %)")
    panel.until("Flip swaps left and right")
    panel.fix("Switch Flip off")
    assert steps(project)[0]["Flip"]["p"] == 0
    panel.undo()
    assert steps(project)[0]["Flip"]["p"] == "0.5"


def test_the_dice_leave_the_experiment_alone(panel: Any, project: Project, engine: FakeEngine) -> None:
    panel.dice()
    whole(panel)
    assert "not what is trained" in panel.words()
    assert project.experiment is not None
    assert project.experiment.seed == 7
    seeds = [arguments["draw"]["seed"] for method, arguments in engine.asked if method == "augment_plane"]
    assert seeds[-1] != 7
    panel.own()
    whole(panel)
    assert "what epoch 1 trains on" in panel.words()
    panel.lock(False)
    panel.switch(1, True)
    panel.view.model.steps.find(("0", "Flip", "p")).set("0.7")
    assert "not what is trained" in panel.words()


def test_a_tile_of_the_sheet_is_looked_at(panel: Any) -> None:
    sheet = panel.view.model.sheet
    panel.sheet("draws")
    panel.wait(lambda: len(sheet.tiles) == 9)
    panel.tile(4)
    whole(panel)
    assert panel.shown() == pytest.approx(MIDDLE + 5000)
    panel.sheet("corners")
    panel.wait(lambda: [tile.title for tile in sheet.tiles][:3] == ["all low", "all high", "Flip low"])
    panel.tile(1)
    whole(panel)
    assert panel.shown() == pytest.approx(MIDDLE + 500)
    assert "a corner, not a draw" in panel.words()


def test_what_a_step_draws_is_a_histogram(panel: Any) -> None:
    panel.histogram("1 Flip")
    panel.until("Applied to 50% of 1,000 samples. Always the same: size 1.")
    [plot] = panel.view.model.histograms.figure.axes
    assert (plot.title, int(plot.bars.counts.sum())) == ("shift", 1000)


def test_the_network_gets_a_tensor(panel: Any) -> None:
    panel.side("network")
    panel.until("data.input.image: 1 × 1 × 2 × 2 × 2 float32, 0 to 0.37; 1 patch")
    picture = panel.view.model.screen.picture("image")
    assert picture.array.shape == (1, 2, 2, 2)
    assert float(picture.array.max()) == pytest.approx(0.37)


def test_a_preset_fills_the_steps(panel: Any, project: Project) -> None:
    panel.preset("nnunet")
    names = [next(iter(step)) for step in steps(project)]
    assert "Affine" in names
    affine = next(step["Affine"] for step in steps(project) if "Affine" in step)
    assert affine["keys"] == ["data.input.image", "data.gt.mask"]
    panel.undo()
    assert [next(iter(step)) for step in steps(project)] == ["Flip", "Noise"]


def test_without_a_sample_the_panel_says_what_to_do(panel: Any, project: Project) -> None:
    project.select("")
    assert "Choose a sample in the Data panel." in panel.words()


@pytest.mark.parametrize("panel", ["notebook"], indirect=True)
def test_the_notebook_leaves_the_screen_to_the_data_panel(panel: Any, project: Project) -> None:
    picture = project.screen.picture("image")
    assert picture is not None
    assert float(picture.array.max()) == IMAGE.max()
