"""The laterality guard: synthetic kidneys in eight orientations, and what counts as a name with a side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.augment import Affine, Augmentation, Flip, WrapTransform
from fuse_engine.augment.combine import OneOf
from fuse_engine.augment.guards import laterality, left_right_axis, sided_names
from fuse_engine.augment.spatial.flip import Rotate90
from fuse_engine.core.document import Document, parse
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image, from_itk, to_itk

IMAGE, MASK = "data.input.image", "data.gt.kidneys"
KEYS = [IMAGE, MASK]
ORIENTATIONS = ("LPS", "RAS", "LAS", "RPS", "PIR", "ASL", "SRA", "ILP")


def experiment(gt: str, rest: str = "") -> Experiment:
    text = f"""
name: left_and_right
data:
  source: {{Table: {{path: left/a.csv}}}}
  input: {{image: [{{LoadImage: {{column: ct}}}}]}}
  gt: {gt}
model: {{MultiHead: {{}}}}
{rest}"""
    return Experiment.from_document(Document(parse(text).data), Path())


KIDNEYS = experiment("{kidneys: [{LoadStructures: {structures: [kidney_left, kidney_right]}}]}")


def kidneys(orientation: str) -> Image:
    """Return kidneys 1 (left) and 2 (right), the way ITK orients them."""
    labels = np.zeros((1, 12, 14, 16), np.uint8)
    labels[0, 4:9, 6:9, 11:14], labels[0, 4:8, 6:9, 2:5] = 1, 2  # LPS: x goes to the left
    image = Image(labels, Geometry.plain((12, 14, 16), (3.0, 1.5, 1.0)))
    return from_itk(sitk.DICOMOrient(to_itk(image), orientation), label=True)


def swaps(image: Image, step: Flip) -> bool:
    """Whether a step takes the left kidney to the right side of the patient."""
    moved = step.apply(image.array, {"axes": list(step.axes)})
    left = [image.geometry.point(tuple(np.argwhere(array[0] == 1).mean(0)))[0] for array in (image.array, moved)]
    middle = image.geometry.point(tuple((np.array(image.geometry.shape) - 1) / 2))[0]
    return bool((left[0] > middle) != (left[1] > middle))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_it_fires_for_exactly_the_axis_that_swaps_the_kidneys(orientation: str) -> None:
    image = kidneys(orientation)
    fired = {axis: bool(laterality([Flip(keys=KEYS, axes=[axis])], KIDNEYS, image.geometry)) for axis in "zyx"}
    assert fired == {axis: swaps(image, Flip(keys=KEYS, axes=[axis])) for axis in "zyx"}
    assert sum(fired.values()) == 1


def fired(step: Augmentation, orientation: str = "LPS", of: Experiment = KIDNEYS) -> list[Any]:
    return [item.to_json() for item in laterality([step], of, kidneys(orientation).geometry)]


def test_the_axis_can_be_taken_out_with_one_click() -> None:
    (found,) = fired(Flip(keys=KEYS, axes=["x", "z"]))
    assert (found["step"], found["check"]) == ("0", "laterality")
    assert "mirrors left and right of the patient (x of the image)" in found["message"]
    assert "'kidney_left', 'kidney_right'" in found["message"]
    first, last = found["fixes"]
    assert (first["path"], first["value"]) == (["augmentation", 0, "Flip", "axes"], ["z"])
    assert (last["path"], last["value"]) == (["augmentation", 0, "Flip", "enabled"], False)
    assert [fix["value"] for fix in fired(Flip(keys=KEYS, axes=["x"]))[0]["fixes"]] == [False]


def test_a_step_within_another_is_named_by_its_path() -> None:
    step = OneOf(steps=[Affine(keys=KEYS), Flip(keys=KEYS, axes=["y", "x"])])
    (found,) = fired(step)
    assert found["step"] == "0.1"
    assert found["fixes"][0]["path"] == ["augmentation", 0, "OneOf", "steps", 1, "Flip", "axes"]


def test_half_a_turn_takes_left_to_the_right_too() -> None:
    assert "turns round" in fired(Affine(keys=KEYS, rotate={"z": (-180, 180), "y": 0, "x": 0}))[0]["message"]
    assert fired(Affine(keys=KEYS, rotate=(-30, 30), scale=(0.5, 2))) == []
    assert fired(Affine(keys=KEYS, rotate={"z": 0, "y": 0, "x": (-180, 180)})) == [], "about the axis itself"


@pytest.mark.parametrize("orientation", ["LPS", "PIR"])
def test_another_library_s_mirror_image_is_found_by_trying(orientation: str) -> None:
    def wrapped(name: str, **arguments: Any) -> bool:
        step = WrapTransform(keys=KEYS, transform=f"monai.transforms.{name}", arguments=arguments)
        return bool(fired(step, orientation))

    axis = "zyx".index(left_right_axis(kidneys(orientation).geometry))
    assert [wrapped("RandFlip", spatial_axis=each) for each in range(3)] == [each == axis for each in range(3)]
    assert wrapped("RandFlip", spatial_axis=axis, prob=0.5)
    assert not wrapped("RandGaussianNoise")
    assert not wrapped("RandHistogramShift"), "values are no places"
    assert not wrapped("RandFlip", spatial_axis=9), "an error is said elsewhere"


@pytest.mark.parametrize("degrees", [(30, -20), (-44, 10), (170, 0)])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_of_an_oblique_scan_it_is_the_axis_nearest_to_left_and_right(
    orientation: str, degrees: tuple[int, int]
) -> None:
    image = kidneys(orientation)
    turned = rotation(*degrees) @ image.geometry.matrix
    grid = replace(image.geometry, direction=tuple(turned.ravel().tolist()))
    oblique = Image(image.array, grid)
    for axis in "zyx":
        step = Flip(keys=KEYS, axes=[axis])
        assert bool(laterality([step], KIDNEYS, grid)) == swaps(oblique, step), axis


def rotation(around_z: float, around_y: float) -> np.ndarray:
    (a, b), (c, d) = ((np.cos(np.radians(x)), np.sin(np.radians(x))) for x in (around_z, around_y))
    return np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]])


@pytest.mark.parametrize("step", [Flip(keys=KEYS, p=0), Flip(keys=KEYS, each=0), Flip(keys=KEYS, enabled=False)])
def test_what_never_happens_is_no_danger(step: Flip) -> None:
    assert fired(step) == []


@pytest.mark.parametrize(
    ("gt", "names"),
    [
        ("{left_kidney: [Load]}", ["left_kidney"]),
        ("{a: [{LoadStructures: {structures: [Lung_L, Lung_R, Heart]}}]}", ["Lung_L", "Lung_R"]),
        ("{a: [{Label: {column: side, classes: [links, rechts]}}]}", ["side", "links", "rechts"]),
        ("{a: [{Label: {column: leftBreast, classes: ['0', '1']}}]}", ["leftBreast"]),
        ("{a: [{Label: {column: rt_lung, classes: [lt_lung, no]}}]}", ["rt_lung", "lt_lung"]),
        ("{a: [{Label: {column: bright, classes: [copyright, l_only, r]}}]}", []),
        ("{a: [{LoadStructures: {structures: [upright, leftover, Linse, sidewall]}}]}", []),
        (
            "{a: [{Label: {column: image_laterality}}], b: [{Label: {column: Seite}}]}",
            ["image_laterality", "Seite"],
        ),
        ("{a: [{Columns: {names: [age, eye], categories: {eye: [l, r]}}}]}", ["l", "r"]),
        ("{a: [{LoadImage: {column: mask, path: /data/left/b}}]}", []),
    ],
)
def test_names_that_say_a_side(gt: str, names: list[str]) -> None:
    assert sided_names(experiment(gt)) == names


def test_classes_named_in_a_metric_count() -> None:
    rest = "metrics: {dice: {Dice: {pred: model.output.a, target: data.gt.a, names: [none, left, right]}}}"
    assert sided_names(experiment("{a: [Load]}", rest)) == ["left", "right"]


def test_without_such_names_flips_are_welcome() -> None:
    assert fired(Flip(keys=KEYS), of=experiment("{tumour: [Load]}")) == []


def test_of_a_picture_it_is_said_what_is_assumed() -> None:
    (found,) = laterality([Flip(keys=KEYS)], KIDNEYS, Geometry.plain((20, 30)))
    assert "if the picture shows the patient from the front" in found.message
    assert left_right_axis(Geometry.plain((20, 30))) == "x"


def test_quarter_turns_warn_where_two_of_them_turn_left_to_right() -> None:
    found = [bool(fired(Rotate90(keys=KEYS, planes=[plane]))) for plane in ("xy", "zx", "yz")]
    assert found == [True, True, False]
