"""The Augmentation panel: draws, what they did, and what they did to the labels."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.damage import damages
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine
from tests.gui_project import wait_for
from tests.gui_toys import augment


@pytest.fixture
def model(toy_engine: FakeEngine, toy_project: Project) -> AugmentationModel:
    toy_engine.answers["augment"] = augment
    made = AugmentationModel(toy_project, pause=0.001)
    toy_project.select("s1")
    return made


def settle(model: AugmentationModel) -> None:
    wait_for(lambda: not model.refresh.stale)


def shown(project: Project, name: str = "image") -> float:
    picture = project.screen.picture(name)
    assert picture is not None
    return float(picture.array.max())


def test_nothing_is_computed_until_somebody_looks(model: AugmentationModel, toy_engine: FakeEngine) -> None:
    model.set_draw(3)
    time.sleep(0.05)
    assert "augment" not in toy_engine.methods()
    model.set_active(True)
    settle(model)
    assert toy_engine.asked[-1][1]["draw"]["epoch"] == 2, "epochs are counted from 1 on the screen, from 0 in the engine"


def test_what_was_drawn_is_said_and_shown(model: AugmentationModel, toy_project: Project) -> None:
    model.set_active(True)
    settle(model)
    assert model.drawn == ("1  Flip: axes (x), shift (0.25, -1)", "2  Noise: not applied")
    assert model.damage_text == "mask, class 1: 40 → 30 mm², -25.0 %\nmask, class 2: 10 → 0 mm², gone"
    assert shown(toy_project) == 7
    model.show("before")
    assert (shown(toy_project), shown(toy_project, "gt")) == (0, 2)
    model.show("after")
    assert (shown(toy_project), shown(toy_project, "gt")) == (7, 1)


def test_the_slider_goes_through_epochs_and_seeds(model: AugmentationModel, toy_engine: FakeEngine) -> None:
    model.set_active(True)
    model.set_draw(12)
    settle(model)
    assert (toy_engine.asked[-1][1]["draw"]["epoch"], toy_engine.asked[-1][1]["draw"]["seed"]) == (11, 7)
    assert "what epoch 12 trains on" in model.draw_text
    model.reseed()
    settle(model)
    assert toy_engine.asked[-1][1]["draw"]["seed"] not in (0, 7)
    assert "not what is trained" in model.draw_text
    model.own_seed()
    settle(model)
    assert toy_engine.asked[-1][1]["draw"]["seed"] == 7
    model.set_draw(1000)
    assert model.draw == 100


def test_while_dragging_one_request_runs_and_the_last_place_wins(
    model: AugmentationModel, toy_engine: FakeEngine
) -> None:
    toy_engine.hold.add("augment")
    model.set_active(True)
    wait_for(lambda: len(toy_engine.held) == 1)
    for draw in range(1, 40):
        model.set_draw(draw)
        time.sleep(0.002)
    assert len(toy_engine.held) == 1
    assert model.state == "out of date, drawing …"
    toy_engine.release()
    wait_for(lambda: len(toy_engine.held) == 1)
    toy_engine.release()
    settle(model)
    assert [args["draw"]["epoch"] for method, args in toy_engine.asked if method == "augment"] == [0, 38]


def test_an_answer_for_another_sample_is_not_shown(
    model: AugmentationModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    toy_engine.hold.add("augment")
    model.set_active(True)
    wait_for(lambda: len(toy_engine.held) == 1)
    toy_project.select("s2")
    toy_engine.release()
    assert model.drawn == ()
    wait_for(lambda: len(toy_engine.held) == 1)
    toy_engine.release()
    assert toy_engine.asked[-1][1]["id"] == "s2"
    assert len(model.drawn) == 2


def test_an_edited_step_is_drawn_again(model: AugmentationModel, toy_engine: FakeEngine) -> None:
    model.set_active(True)
    settle(model)
    model.steps.find(("0", "Flip", "p")).set("1")  # type: ignore[attr-defined]
    model.steps.add("Noise")
    model.steps.move(2, -2)
    settle(model)
    text = toy_engine.asked[-1][1]["experiment"]
    assert text.index("Noise") < text.index("Flip")
    assert "p: 1" in text


def test_a_sample_that_cannot_be_read_is_named(model: AugmentationModel, toy_engine: FakeEngine) -> None:
    toy_engine.answers["augment"] = SampleError("truncated", sample="s1", where="data.input.image.0")
    model.set_active(True)
    settle(model)
    assert model.state == "truncated; sample 's1'"
    assert model.drawn == ()
    toy_engine.answers["augment"] = augment
    model.set_draw(2)
    settle(model)
    assert (model.state, len(model.drawn)) == ("", 2)


def test_leaving_the_panel_leaves_the_sample_on_the_screen(model: AugmentationModel, toy_project: Project) -> None:
    model.set_active(True)
    settle(model)
    model.set_active(False)
    assert shown(toy_project) == 0
    toy_project.sample_changed.emit("s1")
    assert shown(toy_project) == 0


def test_damage_is_counted_in_mm() -> None:
    cube = Geometry.plain((2, 5, 5), (3.0, 1.0, 1.0)).to_json()
    before, after = np.zeros((1, 2, 5, 5), int), np.zeros((1, 2, 5, 5), int)
    before[0, 0, :2], after[0, 0, :1], after[0, 1, 0, 0] = 1, 1, 2
    found = damages(*({"k": {"array": array, "geometry": cube, "label": True}} for array in (before, after)))
    assert [(item.before, item.after, item.change) for item in found] == [(30.0, 15.0, -50.0), (0.0, 3.0, None)]
    same = damages(*({"k": {"array": before, "geometry": cube, "label": True}} for _ in range(2)))
    assert [item.change for item in same] == [0.0]
    assert "unchanged" in str(same[0])
