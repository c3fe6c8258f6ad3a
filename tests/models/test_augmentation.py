"""The Augmentation panel: what it asks for and when, and what it makes of the answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.errors import SampleError
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.canonical import canonical
from fuse_gui.models.guards import Guards
from fuse_gui.models.histograms import bars_of
from fuse_gui.models.look import Look
from fuse_gui.models.project import Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.stage import Stage
from fuse_gui.models.step_facts import duration, facts_of
from tests.gui_augmented import ANSWERS, IMAGE, MASK, RAS, augment, augment_plane, pictures, sample
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(**ANSWERS)


@pytest.fixture
def project(engine: FakeEngine, tmp_path: Path) -> Iterator[Project]:
    made = open_toy(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture
def model(project: Project) -> AugmentationModel:
    made = AugmentationModel(project, calm=0.02)
    project.select("s1")
    return made


def asked(engine: FakeEngine, method: str = "augment_plane") -> list[dict[str, Any]]:
    return [arguments for name, arguments in engine.asked if name == method]


def whole(model: AugmentationModel) -> None:
    wait_for(lambda: model.is_whole)


def shown(project: Project, name: str = "image") -> float:
    picture = project.screen.picture(name)
    assert picture is not None
    return float(picture.array.max())


def test_nothing_is_computed_until_somebody_looks(model: AugmentationModel, engine: FakeEngine) -> None:
    model.draw.set_number(3)
    time.sleep(0.05)
    assert not {"augment", "augment_plane"} & set(engine.methods())
    model.set_active(True)
    whole(model)
    assert asked(engine, "augment")[-1]["draw"] == {"seed": 7, "epoch": 2}, "counted from 0 in the engine"


def test_while_dragging_one_plane_is_computed_and_the_last_place_wins(
    model: AugmentationModel, engine: FakeEngine
) -> None:
    engine.hold.add("augment_plane")
    model.set_active(True)
    assert len(engine.held) == 1
    for draw in range(1, 40):
        model.draw.set_number(draw)
    assert len(engine.held) == 1
    engine.release()
    engine.release()
    assert [arguments["draw"]["epoch"] for arguments in asked(engine)] == [0, 38]
    assert asked(engine, "augment") == [], "the hand has not rested yet"
    whole(model)
    assert len(asked(engine, "augment")) == 1


def test_a_drag_gives_the_whole_sample_up(model: AugmentationModel, engine: FakeEngine, project: Project) -> None:
    engine.hold.add("augment")
    model.set_active(True)
    wait_for(lambda: engine.held)
    model.draw.set_number(5)
    assert not project.requests.is_running("augment")
    engine.release()
    assert not model.is_whole, "it was of the former draw"
    wait_for(lambda: engine.held)
    engine.release()
    whole(model)
    assert shown(project) == 119 + 5000


def test_a_whole_sample_that_made_way_is_asked_for_again(model: AugmentationModel, engine: FakeEngine) -> None:
    replies = iter([None])
    engine.answers["augment"] = lambda **arguments: next(replies, ANSWERS["augment"](**arguments))
    model.set_active(True)
    whole(model)
    assert len(asked(engine, "augment")) == 2


def test_an_edit_asks_with_text_that_is_read_quickly(model: AugmentationModel, engine: FakeEngine) -> None:
    model.set_active(True)
    model.steps.find(("0", "Flip", "p")).set("1")  # type: ignore[attr-defined]
    model.steps.add("Noise")
    model.steps.move(2, -2)
    text = asked(engine)[-1]["experiment"]
    assert text.startswith("{")
    assert text.index("Noise") < text.index("Flip")
    assert '"p": "1"' in text


def test_edits_elsewhere_are_none_of_its_business(
    model: AugmentationModel, engine: FakeEngine, project: Project
) -> None:
    model.set_active(True)
    whole(model)
    before = len(asked(engine))
    project.edit(("name",), "another")
    assert len(asked(engine)) == before


def test_a_sample_that_cannot_be_read_is_named(model: AugmentationModel, engine: FakeEngine) -> None:
    engine.answers["augment_plane"] = SampleError("truncated", sample="s1", where="data.input.image.0")
    model.set_active(True)
    assert model.state == "truncated; sample 's1'"
    assert model.drawn == ()
    engine.answers["augment_plane"] = augment_plane
    model.draw.set_number(2)
    assert (model.state, len(model.drawn)) == ("", 2)


def test_what_folds_out_rests_while_nobody_looks(
    model: AugmentationModel, engine: FakeEngine, project: Project
) -> None:
    model.set_active(True)
    for part in model.parts:
        part.set_open(True)
    wait_for(lambda: not any(part.stale for part in model.parts))
    assert len(model.sheet.tiles) == 9
    model.set_active(False)
    before = len(engine.asked)
    model.draw.set_number(30)
    project.select("s2")
    time.sleep(0.4)
    assert {method for method, _ in engine.asked[before:]} == {"sample"}
    model.set_active(True)
    wait_for(lambda: not any(part.stale for part in model.parts))
    assert asked(engine, "augment_sheet")[-1]["draws"][0] == {"seed": 7, "epoch": 27}


def test_a_sheet_that_made_way_for_a_plane_is_asked_for_again(
    model: AugmentationModel, engine: FakeEngine
) -> None:
    model.set_active(True)
    engine.hold |= {"augment_plane", "augment_sheet"}
    model.sheet.set_open(True)
    model.draw.set_number(2)
    model.draw.set_number(3)
    wait_for(lambda: len(asked(engine, "augment_sheet")) == 2)
    engine.hold.clear()
    while engine.held:
        engine.release()
    wait_for(lambda: not model.sheet.stale and len(model.sheet.tiles) == 9)


def test_a_sample_without_a_picture_says_so(
    model: AugmentationModel, engine: FakeEngine, project: Project
) -> None:
    model.set_active(True)
    model.sheet.set_open(True)
    wait_for(lambda: len(model.sheet.tiles) == 9)
    engine.answers["sample"] = SampleError("truncated", sample="s2")
    project.select("s2")
    assert model.state == "This sample could not be read."
    assert (model.sheet.tiles, model.sheet.state, model.guards.meters) == ((), "", ())
    model.sheet.set_open(True)
    assert model.sheet.state == "", "nothing is on its way"
    engine.answers["sample"] = {
        **sample(),
        "image": None,
        "gt": None,
        "shown": {},
        "keys": {"image": [], "gt": []},
    }
    project.select("s3")
    assert model.state == "This sample has no image."
    engine.answers["sample"] = sample
    project.select("s4")
    wait_for(lambda: len(model.sheet.tiles) == 9)
    assert model.state == ""


def test_leaving_the_panel_leaves_the_sample_on_the_screen(model: AugmentationModel, project: Project) -> None:
    model.set_active(True)
    whole(model)
    assert shown(project) == 1119
    model.draw_wipe(0.5)
    model.set_active(False)
    assert shown(project) == 119
    assert project.screen.picture("before") is None


def test_the_wipe_shows_the_labels_from_before_as_well(
    model: AugmentationModel, engine: FakeEngine, project: Project
) -> None:
    def shifted(**arguments: Any) -> dict[str, Any]:
        reply = augment(**arguments)
        mask = {**reply["after"]["data.gt.mask"], "array": np.full_like(MASK, 2)}
        return {**reply, "after": {**reply["after"], "data.gt.mask": mask}}

    def plane(**arguments: Any) -> dict[str, Any]:
        reply = augment_plane(**arguments)
        return {**reply, "planes": {**reply["planes"], "data.gt.mask": np.full((1, 5, 6), 3)}}

    engine.answers |= {"augment": shifted, "augment_plane": plane}
    model.set_active(True)
    whole(model)

    def labels() -> Any:
        picture = project.screen.picture("gt")
        assert picture is not None
        return canonical(picture.array, RAS).array

    model.draw_wipe(0.5)
    before = canonical(MASK, RAS).array
    assert (labels()[..., :3] == before[..., :3]).all()
    assert (labels()[..., 3:] == 2).all()
    engine.hold.add("augment")
    model.draw.set_number(9)
    place = model.look.place
    assert (labels()[:, place, :, :3] == before[:, place, :, :3]).all()
    assert (labels()[:, place, :, 3:] == 3).all()
    model.draw_wipe(0)
    assert (labels()[:, place] == 3).all()


def test_a_scroll_through_the_whole_sample_asks_for_nothing(model: AugmentationModel, engine: FakeEngine) -> None:
    model.set_active(True)
    whole(model)
    before = len(engine.asked)
    for place in range(4):
        model.look.move_to(0, place)
    assert len(engine.asked) == before


def test_planes_lie_where_they_are_stored() -> None:
    look = Look()
    look.lie_on(pictures(IMAGE)["data.input.image"])
    for axis, shape in ((0, (5, 6)), (1, (4, 6)), (2, (4, 5))):
        look.move_to(axis, 1)
        plane = look.stored
        cut = (slice(None),) * (1 + axis) + (plane.place,)
        upright = look.upright(IMAGE[cut])
        turned = np.flip(IMAGE, (2, 3))
        np.testing.assert_array_equal(upright, turned[(slice(None),) * (1 + axis) + (1,)])
        assert upright.shape[1:] == shape
    look.move_to_point(0, RAS.spacing[2] * 3.2)
    assert (look.axis, look.place) == (0, 3)


def test_a_plane_of_another_size_waits_for_the_whole() -> None:
    stage = Stage(Screen())
    stage.lay(sample())
    plane = {"data.input.image": IMAGE[:, 2, :3, :3]}
    look = Look()
    look.lie_on(stage.before["image"])
    assert not stage.write(plane, look.stored)
    stage.take({"data.input.image": {**stage.before["image"], "array": IMAGE[:, 1:3, :3, :3].copy()}})
    assert stage.write({"data.input.image": np.full((1, 3, 3), 7.0)}, look.stored)
    assert (stage.after["image"]["array"][0] == 7).all(axis=(1, 2)).tolist() == [False, True]
    assert stage.before["gt"]["array"] is not stage.after["gt"]["array"]
    np.testing.assert_array_equal(stage.before["gt"]["array"], MASK)


def test_facts_name_what_was_drawn_and_how_long_a_pass_took() -> None:
    applied = [
        {
            "step": "0.1",
            "name": "Blur",
            "params": {"sigma": [0.5, 1.0], "seed": 12, "shape": [3, 3]},
            "channel": 2,
        },
        {"step": "1", "name": "Flip", "params": {"axes": []}},
        {"step": "2", "name": "Elastic", "params": {"coefficients": [[0.1] * 9]}},
    ]
    times = [{"step": "0.1", "steps": ["0.1", "1"], "name": "both", "ms": 12.34}, {"step": "2", "ms": 5.0}]
    words = [facts_of(index, applied, times, False) for index in range(4)]
    assert [item and item.drawn for item in words] == [
        "Blur: sigma (0.5, 1), channel 2", "axes none", "coefficients (9 numbers)", None,
    ]  # fmt: skip
    assert [item and item.time for item in words] == ["12.3 ms", "in step 1", "5 ms", None]


def test_times_are_short() -> None:
    found = [duration(ms) for ms in (0.0398, 0.1514, 125.4, 999.0, 1234.5, 61_000)]
    assert found == ["< 0.1 ms", "0.151 ms", "125 ms", "999 ms", "1.23 s", "61 s"]


def test_meters_say_what_was_lost(project: Project) -> None:
    guards = Guards(project)
    one = {"name": "", "volume_change": None, "vanished": False, "new": True, "warn": ""}
    gone = {"name": "node", "volume_change": -1.0, "vanished": True, "warn": "gone"}
    parts = {"name": "vessel", "volume_change": 1e-5, "vanished": False, "components_lost": 2, "components": 5}
    wrapped = {"name": "rib", "volume_change": None, "vanished": False, "boundary_mm": None}
    found = [{"label": number, **item} for number, item in enumerate((one, gone, parts, wrapped), 1)]
    guards.take({"before": pictures(IMAGE), "damage": found, "warnings": []})
    assert [meter.text for meter in guards.meters] == [
        "class 1: was not there before", "node: gone (gone)", "vessel: size unchanged, 2 of 5 parts lost",
        "rib: motion not known",
    ]  # fmt: skip
    assert [meter.wrong for meter in guards.meters] == [False, True, False, False]
    both = [{"label": 1, **parts, "key": f"data.gt.{name}"} for name in ("left", "right")]
    guards.take({"before": pictures(IMAGE), "damage": both, "warnings": []})
    assert [meter.text.partition(":")[0] for meter in guards.meters] == ["left, vessel", "right, vessel"]
    guards.take({"before": {}, "damage": [], "warnings": []})
    assert guards.note == "This sample has no label map."


def test_few_values_have_a_bar_each() -> None:
    few, many = bars_of(np.array([0.0, 1, 1, 2])), bars_of(np.linspace(0, 1, 1000))
    assert (few.labels, few.counts.tolist()) == (("0", "1", "2"), [1, 2, 1])
    assert (len(many.counts), int(many.counts.sum()), many.labels) == (30, 1000, ())
