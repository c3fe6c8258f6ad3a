"""The Processors panel: a sample after every step, and the step that fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import canonical
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.project import Project
from fuse_gui.models.wipe import Wipe
from tests.gui_engine import FakeEngine, picture
from tests.gui_project import wait_for
from tests.gui_toys import FACTS


def steps(key: str, **_: Any) -> list[dict[str, Any]]:
    if key == "data.gt.mask":
        return [{"name": "Load", "seconds": 0.1, "cached": False, **FACTS, "picture": picture(3, label=True)}]
    first = {"name": "Load", "seconds": 0.0123, "cached": False, **FACTS, "picture": picture(1)}
    return [first, {"name": "Window", "seconds": 0.0, "cached": True, **FACTS, "picture": picture(2)}]


@pytest.fixture
def model(toy_engine: FakeEngine, toy_project: Project) -> ProcessorsModel:
    toy_engine.answers["steps"] = steps
    made = ProcessorsModel(toy_project, pause=0.001)
    toy_project.select("s1")
    made.set_active(True)
    settle(made)
    return made


def settle(model: ProcessorsModel) -> None:
    wait_for(lambda: not model.refresh.stale)


def shown(project: Project, name: str) -> float:
    found = project.screen.picture(name)
    assert found is not None
    return float(found.array.max())


def test_every_step_says_what_it_made(model: ProcessorsModel) -> None:
    assert model.keys == ("data.input.image", "data.input.other", "data.gt.mask")
    results = [model.result(index) for index in range(2)]
    assert [(r.facts, r.numbers) for r in results if r] == [
        ("float32  1 × 4 × 6,  0.5 × 0.25 mm", "min 0,  max 1,  mean 0.25,  12.3 ms"),
        ("float32  1 × 4 × 6,  0.5 × 0.25 mm", "min 0,  max 1,  mean 0.25,  cached"),
    ]


def test_a_click_puts_the_sample_after_that_step_on_the_screen(
    model: ProcessorsModel, toy_project: Project
) -> None:
    model.show(1)
    assert shown(toy_project, "image") == 2
    model.show(0)
    assert shown(toy_project, "image") == 1
    model.choose("data.gt.mask")
    settle(model)
    assert model.shown is None
    model.show(0)
    assert shown(toy_project, "gt") == 3


def test_an_edit_makes_results_stale_until_they_are_there(
    model: ProcessorsModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    toy_engine.hold.add("steps")
    model.show(1)
    model.steps.find(("1", "Window", "high")).set("50")  # type: ignore[attr-defined]
    assert (model.refresh.stale, model.state) == (True, "out of date, computing …")
    wait_for(lambda: len(toy_engine.held) == 1)
    assert "high: 50" in toy_engine.asked[-1][1]["experiment"]
    toy_engine.release()
    assert (model.refresh.stale, model.state, shown(toy_project, "image")) == (False, "", 2)


def test_a_removed_step_takes_its_result_along(model: ProcessorsModel, toy_engine: FakeEngine) -> None:
    toy_engine.hold.add("steps")
    model.steps.remove(0)
    assert model.result(0) is None
    assert model.result(5) is None


def test_the_step_that_fails_is_marked_with_its_sample(model: ProcessorsModel, toy_engine: FakeEngine) -> None:
    toy_engine.answers["steps"] = SampleError(
        "not enough memory", where="data.input.image.1.Window", sample="s1", expected="a smaller size"
    )
    model.steps.find(("1", "Window", "low")).set("1")  # type: ignore[attr-defined]
    settle(model)
    assert (model.failed, model.error) == (1, "not enough memory; sample 's1'; expected a smaller size")
    assert (model.result(0) is not None, model.result(1)) == (True, None)
    assert "not enough memory" in model.steps.find(("1",)).message
    toy_engine.answers["steps"] = steps
    model.steps.find(("1", "Window", "low")).set("0")  # type: ignore[attr-defined]
    settle(model)
    assert (model.failed, model.steps.find(("1",)).message) == (None, "")


def test_a_key_is_made_filled_and_removed(model: ProcessorsModel, toy_project: Project) -> None:
    assert not model.add_key("image")
    assert "expected data.input.<name> or data.gt.<name>" in str(toy_project.problems[0])
    assert not model.add_key("data.input.image")
    assert model.add_key("data.gt.lesion")
    assert (model.key, toy_project.problems) == ("data.gt.lesion", ())
    model.steps.add("Load")
    assert toy_project.experiment is not None
    assert [spec.name for spec in toy_project.experiment.data.gt["lesion"]] == ["Load"]
    model.drop_key()
    assert "lesion" not in toy_project.experiment.data.gt
    assert model.key == "data.input.image"


def test_without_a_sample_the_panel_says_what_to_do(toy_project: Project) -> None:
    model = ProcessorsModel(toy_project)
    model.set_active(True)
    assert "Choose a sample" in model.state
    assert not model.refresh.stale


def test_the_curtain_belongs_to_one_sample_and_key(
    model: ProcessorsModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    model.show(1)
    model.draw_wipe(0.5)
    toy_engine.hold.add("steps")
    for change in (lambda: toy_project.select("s2"), lambda: model.choose("data.input.other")):
        assert toy_project.screen.picture("before") is not None
        change()
        model.draw_wipe(0.6)
        assert (toy_project.screen.picture("before"), model.wipe.possible) == (None, False)
        wait_for(lambda: toy_engine.held)
        toy_engine.release()
        model.show(1)


def test_a_step_that_fails_takes_the_curtain_along(
    model: ProcessorsModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    model.show(1)
    model.draw_wipe(0.5)
    toy_engine.answers["steps"] = SampleError("no memory", where="data.input.image.1.Window", sample="s1")
    model.steps.find(("1", "Window", "low")).set("1")  # type: ignore[attr-defined]
    settle(model)
    assert toy_project.screen.picture("before") is None


def test_the_curtain_hangs_over_what_an_oblique_crop_left(toy_project: Project) -> None:
    turn = np.radians(20)
    matrix = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    whole = Geometry((10, 30, 20), (1.0, 1.0, 2.0), (3.0, -5.0, 7.0), tuple(matrix.ravel().tolist()))
    start = (4, 16, 6)  # of a crop, along (x, y, z)
    corner = np.asarray(whole.origin) + matrix @ (np.array(start) * whole.spacing)
    part = Geometry((10, 8, 4), whole.spacing, tuple(corner.tolist()), whole.direction)
    before, after = (
        {"array": np.zeros((1, *grid.shape), np.float32), "geometry": grid.to_json(), "label": False}
        for grid in (whole, part)
    )
    wipe = Wipe(toy_project.screen)
    wipe.hang(before, after)
    wipe.draw_to(1.0)
    drawn = toy_project.screen.picture("before")
    assert drawn is not None
    first = np.array(canonical(after["array"], part).translate)
    np.testing.assert_allclose(
        first - drawn.geometry.translate, np.multiply(start, whole.spacing)[::-1], atol=1e-9
    )


def test_what_the_cache_holds_is_counted_once_for_an_experiment(
    model: ProcessorsModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    assert model.kept == ("4 of 6 samples are kept",)
    toy_project.select("s2")
    settle(model)
    assert toy_engine.methods().count("cache_status") == 1
    answers: list[dict[str, Any] | None] = [{"changes": ["5 of 6 samples are kept"]}, None]
    toy_engine.answers["cache_status"] = lambda **_: answers.pop()
    model.steps.find(("1", "Window", "low")).set("1")  # type: ignore[attr-defined]
    wait_for(lambda: model.kept == ("5 of 6 samples are kept",))


def test_a_round_trip_is_of_the_steps_as_they_are(
    model: ProcessorsModel, toy_engine: FakeEngine, toy_project: Project
) -> None:
    toy_engine.hold.add("roundtrip")
    waited: list[bool] = []
    model.round_trip.changed.connect(lambda: waited.append(model.round_trip.possible))
    model.round_trip.ask()
    assert (waited, model.round_trip.lines) == ([False], ("going there and back …",))
    model.steps.find(("1", "Window", "low")).set("1")  # type: ignore[attr-defined]
    toy_engine.release()
    assert (model.round_trip.possible, model.round_trip.lines) == (True, ())
