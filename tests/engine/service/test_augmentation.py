"""What the augmentation debugger is told, on a small volume; the functions are called as the worker calls them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.augment import Augmenter
from fuse_engine.augment.kernels.filter import weighted
from fuse_engine.augment.kernels.warp import warp
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.document import Document, parse
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.image import Image, write_image
from fuse_engine.data.patches import GridPatches, PatchDataset
from fuse_engine.run.loading import Items
from fuse_engine.service import methods
from fuse_engine.service.augmentation import warming
from fuse_engine.service.augmentation.subject import augmentations
from fuse_engine.service.work import Work

IMAGE, HALF, MASK = "data.input.image", "data.input.half", "data.gt.mask"
SHAPE = (12, 20, 24)
STEPS = """
  - Flip: {keys: [data.input.image, data.gt.mask], axes: [x, y]}
  - Affine: {keys: [data.input.image, data.gt.mask], rotate: [-20, 20], p: 0.9}
  - Gamma: {keys: [data.input.image], gamma: [0.5, 2]}
  - OneOf:
      steps:
        - GaussianNoise: {keys: [data.input.image], std: [0.01, 0.05]}
        - Blur: {keys: [data.input.image], sigma: [0.5, 1]}
"""
TEXT = """
name: volume
data:
  source: {Table: {path: cohort.csv}}
  input: {image: [{LoadImage: {column: image}}] BESIDE}
  gt: {mask: [{LoadImage: {column: mask, label: true}}]}
  PATCHES
model: {MultiHead: {}}
augmentation:
"""
GRID = "patches: {GridPatches: {size: [6, 10, 12], per_sample: null}}"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("volume")
    rng, labels = np.random.default_rng(3), np.zeros((1, *SHAPE), np.uint8)
    labels[0, 4:8, 5:10, 14:20], labels[0, 5:7, 12:15, 3:8] = 1, 2
    grid = Geometry.plain(SHAPE, (2.0, 1.0, 0.5))
    write_image(made / "image.mha", Image(rng.random((1, *SHAPE), dtype=np.float32), grid))
    write_image(made / "mask.mha", Image(labels, grid))
    half = Geometry.plain((6, 10, 12), (4.0, 2.0, 1.0))
    write_image(made / "half.mha", Image(rng.random((1, 6, 10, 12), dtype=np.float32), half))
    (made / "cohort.csv").write_text("id,image,half,mask\na,image.mha,half.mha,mask.mha\n", encoding="utf-8")
    return made


@pytest.fixture
def ask(folder: Path) -> Ask:
    work = Work(1, "", {}, lambda message: None)

    def send(method: str, steps: str = STEPS, patches: str = "", beside: str = "", **arguments: Any) -> Any:
        text = TEXT.replace("PATCHES", patches).replace("BESIDE", beside) + steps
        return methods.find(method)(work, experiment=text, folder=str(folder), id="a", **arguments)

    return send


def volume(folder: Path) -> Experiment:
    text = TEXT.replace("PATCHES", "").replace("BESIDE", "") + STEPS
    return Experiment.from_document(Document(parse(text).data), folder)


def draw(epoch: int, seed: int = 5) -> dict[str, int]:
    return {"seed": seed, "epoch": epoch}


@pytest.mark.parametrize("axis", range(3))
def test_planes_become_exact_with_the_whole_result(ask: Ask, axis: int) -> None:
    first = ask("augment_plane", draw=draw(axis, 77), axis=axis, place=5)
    whole = ask("augment", draw=draw(axis, 77))
    later = ask("augment_plane", draw=draw(axis, 77), axis=axis, place=5)
    assert (first["exact"], later["exact"]) == (False, True), "the gamma curve needs the range of the whole"
    assert first["applied"] == later["applied"] == whole["applied"]
    assert (later["labels"], later["planes"][IMAGE].ndim) == ([MASK], 3)
    for key in (IMAGE, MASK):
        np.testing.assert_array_equal(later["planes"][key], whole["after"][key]["array"].take(5, axis + 1))
        np.testing.assert_array_equal(later["before"][key], whole["before"][key]["array"].take(5, axis + 1))
    np.testing.assert_array_equal(first["planes"][MASK], later["planes"][MASK])
    assert np.abs(first["planes"][IMAGE] - later["planes"][IMAGE]).max() < 0.05


def test_what_was_measured_is_used_while_a_later_step_is_dragged(ask: Ask) -> None:
    ask("augment", draw=draw(0))
    dragged = STEPS.replace("gamma: [0.5, 2]", "gamma: [0.5, 3]")
    plane = ask("augment_plane", dragged, draw=draw(0), axis=0, place=5)
    assert plane["exact"], "what comes before the gamma curve is the same"
    whole = ask("augment", dragged, draw=draw(0))["after"][IMAGE]["array"]
    np.testing.assert_allclose(plane["planes"][IMAGE], whole[:, 5], atol=1e-6)
    moved = STEPS.replace("[-20, 20]", "[-20, 21]")
    assert not ask("augment_plane", moved, draw=draw(0), axis=0, place=5)["exact"]


def test_a_changed_image_is_read_again(ask: Ask, folder: Path) -> None:
    before = ask("augment_plane", draw=draw(0), axis=0, place=5)["before"][IMAGE]
    grid = Geometry.plain(SHAPE, (2.0, 1.0, 0.5))
    write_image(folder / "image.mha", Image(np.random.default_rng(9).random((1, *SHAPE), dtype=np.float32), grid))
    after = ask("augment_plane", draw=draw(0), axis=0, place=5)
    assert not after["exact"]
    assert not np.array_equal(before, after["before"][IMAGE])


def test_a_sheet_holds_the_planes_of_its_draws(ask: Ask) -> None:
    draws = [draw(8), {"extreme": "high"}, {"extreme": "low", "only": "2"}]
    sheet = ask("augment_sheet", draws=draws, axis=2, place=10)
    assert [tile["draw"] for tile in sheet["tiles"]] == draws
    for tile in sheet["tiles"]:
        alone = ask("augment_plane", draw=tile["draw"], axis=2, place=10)
        np.testing.assert_array_equal(tile["planes"][IMAGE], alone["planes"][IMAGE])
        assert tile["applied"] == alone["applied"]


def test_corners_are_the_ends_of_what_can_be_drawn(ask: Ask) -> None:
    high = {item["step"]: item["params"] for item in ask("augment", draw={"extreme": "high"})["applied"]}
    assert (high["0"]["axes"], high["1"]["rotate"], high["2"]["gamma"]) == (["x", "y"], [20.0] * 3, 2.0)
    alone = ask("augment", draw={"extreme": "low", "only": "2"})["applied"]
    assert [(item["step"], item["params"]) for item in alone if item["params"]] == [("2", {"gamma": 0.5})]
    inner = ask("augment", draw={"extreme": "low", "only": "3.1"})["applied"]
    assert {item["step"].split(".")[0] for item in inner if item["params"]} <= {"3"}


def test_steps_go_from_the_sample_to_the_result(ask: Ask) -> None:
    reply, whole = ask("augment_steps", draw=draw(2), axis=0, place=6), ask("augment", draw=draw(2))
    first, *others = reply["steps"]
    np.testing.assert_array_equal(first["planes"][IMAGE], whole["before"][IMAGE]["array"][:, 6])
    assert [(item["step"], item["params"]) for item in others] == [
        (item["step"], item["params"]) for item in whole["applied"]
    ]
    last = ask("augment_steps", draw=draw(2), axis=0, place=6)["steps"][-1]
    np.testing.assert_array_equal(last["planes"][IMAGE], whole["after"][IMAGE]["array"][:, 6])


def test_histograms_name_axes_and_words(ask: Ask, folder: Path) -> None:
    reply = ask("augment_draws", count=200, seed=5)
    values = {(item["step"], item["parameter"], item["axis"]): item["values"] for item in reply["parameters"]}
    assert {axis for step, name, axis in values if name == "rotate"} == {"z", "y", "x"}
    assert not {name for _, name, _ in values} & {"seed", "spacing"}
    sample = NestedDict(Dataset.from_experiment(volume(folder)).fixed.leaves("a"))
    drawn = [Augmenter(augmentations(volume(folder)), 5).draw(sample, epoch) for epoch in range(200)]
    assert values["2", "gamma", ""].tolist() == [items[2].params["gamma"] for items in drawn]
    assert values["0", "axes", "y"].mean() == np.mean(["y" in items[0].params["axes"] for items in drawn])
    assert reply["applied"]["1"] == pytest.approx(np.mean([items[1].params is not None for items in drawn]))
    assert reply["applied"]["3.0"] + reply["applied"]["3.1"] == pytest.approx(1)


def test_the_network_gets_patches_where_the_experiment_cuts_them(ask: Ask, folder: Path) -> None:
    whole = ask("augment_network", draw=draw(1))["tensors"]
    after = ask("augment", draw=draw(1))["after"]
    np.testing.assert_array_equal(whole[IMAGE]["array"][0], after[IMAGE]["array"])
    np.testing.assert_array_equal(whole[MASK]["array"][0], after[MASK]["array"])
    assert (whole[MASK]["dtype"], whole[IMAGE]["shape"]) == ("int64", [1, 1, *SHAPE])
    cut = ask("augment_network", patches=GRID, draw=draw(1))["tensors"]
    dataset = Dataset.from_experiment(volume(folder))
    patches = PatchDataset(dataset, GridPatches(size=[6, 10, 12], per_sample=None), 5)
    trained = Items(dataset, Augmenter(augmentations(volume(folder)), 5), patches)[1, "a"]
    assert isinstance(trained, list)
    assert [item[IMAGE].shape for item in trained] == [(1, 6, 10, 12)] * 8
    for key in (IMAGE, MASK):
        np.testing.assert_array_equal(cut[key]["array"], np.stack([item[key] for item in trained]))
    assert "8 patches" in cut[IMAGE]["note"]


def test_guards_speak_up(ask: Ask) -> None:
    steps = """
  - Flip: {keys: [data.input.image, data.gt.mask], each: 1, p: 0}
  - Affine: {keys: [data.input.image, data.gt.mask], translate: {z: 0, y: 0, x: 0.5}}
  - Contrast: {keys: [data.input.image], factor: 0}
"""
    reply = ask("augment", steps, draw=draw(0))
    assert {item["check"] for item in reply["warnings"]} == {"nothing", "damage", "constant"}
    one, two = reply["damage"]
    assert (one["label"], one["vanished"], one["warn"]) == (1, True, "vanished")
    assert (two["before_mm3"], two["after_mm3"], two["warn"]) == (2 * 3 * 5.0, 2 * 3 * 5.0, "")
    assert [item["name"] for item in reply["times"]] == ["Affine", "Contrast"]


def test_of_another_library_s_motion_no_distance_is_told(ask: Ask) -> None:
    steps = """
  - WrapTransform: {keys: [data.input.image, data.gt.mask], transform: NAME, arguments: {spatial_axis: 1}}
  - Flip: {keys: [data.input.image, data.gt.mask], axes: [x], each: 1}
"""
    flipped = ask("augment", steps.replace("NAME", "monai.transforms.Flip"), draw=draw(0))["damage"]
    assert [(item["volume_change"], item["boundary_mm"], item["ideal_mm3"]) for item in flipped] == [
        (None,) * 3
    ] * 2
    assert [(item["before_mm3"], item["warn"], item["components_lost"]) for item in flipped] == [
        (item["after_mm3"], "", 0) for item in flipped
    ]
    noisy = steps.replace("NAME", "monai.transforms.RandGaussianNoise").replace("spatial_axis", "std")
    assert [item["boundary_mm"] for item in ask("augment", noisy, draw=draw(0))["damage"]] == pytest.approx([0, 0])


def test_an_experiment_may_be_yaml_in_braces(ask: Ask, folder: Path) -> None:
    data = {key: value for key, value in volume(folder).to_data().items() if key != "augmentation"}
    text = json.dumps(data)[:-1] + ", augmentation: [Flip: {keys: [data.input.image], axes: [x]}]}"
    made = methods.find("augment")(
        Work(1, "", {}, print), experiment=text, folder=str(folder), id="a", draw=draw(0)
    )
    assert [item["name"] for item in made["applied"]] == ["Flip"]


def test_there_are_only_so_many_planes_and_draws(ask: Ask) -> None:
    with pytest.raises(FuseError, match="place 0 to 11"):
        ask("augment_plane", draw=draw(0), axis=0, place=12)
    with pytest.raises(FuseError, match="no such draw"):
        ask("augment_plane", draw={"epoch": 1}, axis=0, place=1)
    with pytest.raises(FuseError, match="whole numbers seed and epoch.*got .*'six'"):
        ask("augment_plane", draw={"epoch": 1, "seed": "six"}, axis=0, place=1)
    with pytest.raises(FuseError, match="low or high"):
        ask("augment_plane", draw={"extreme": "middle"}, axis=0, place=1)


def test_an_image_of_half_the_resolution_shows_the_same_plane(ask: Ask) -> None:
    steps = "\n  - Flip: {keys: [data.input.image, data.input.half], axes: [z], each: 1}\n"
    beside = ", half: [{LoadImage: {column: half}}]"
    reply = ask("augment_plane", steps, beside=beside, draw=draw(0), axis=0, place=3, keys=[IMAGE, HALF])
    whole = ask("augment", steps, beside=beside, draw=draw(0))
    for key, before, after in ((IMAGE, 3, 8), (HALF, 1, 4)):
        array = whole["before"][key]["array"]
        np.testing.assert_array_equal(reply["before"][key], array[:, before])
        np.testing.assert_array_equal(reply["planes"][key], array[:, after])


def test_loops_are_made_ready_for_the_very_arrays(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    images = {IMAGE: np.zeros((1, *SHAPE), np.float32), MASK: np.zeros((1, *SHAPE), np.uint8)}
    warming.warm(volume(folder), images)
    warming.warm(volume(folder), images)
    threads = [one for one in threading.enumerate() if one.name == warming.NAME]
    assert len(threads) < 2, "the same loops are made ready once"  # none where they were ready at once
    for thread in threads:
        thread.join(240)
    assert not caplog.records, "what cannot be made ready is logged"
    assert weighted.signatures
    assert warp.signatures


def test_the_whole_makes_way_in_the_background_alone(folder: Path) -> None:
    for background in (True, False):
        work = Work(1, "", {}, print, background)
        work.hurry()
        made = methods.find("augment")(
            work, experiment=TEXT.replace("PATCHES", "").replace("BESIDE", "") + STEPS, folder=str(folder), id="a",
            draw=draw(0),
        )  # fmt: skip
        assert (made is None) == background
