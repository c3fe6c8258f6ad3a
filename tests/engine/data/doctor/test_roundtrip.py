"""The round trip measures what steps do to the place of what they show, against values known by hand."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from fuse_engine.core.geometry import Geometry
from fuse_engine.core.sections import Checks
from fuse_engine.data import (
    Crop,
    Image,
    IntensityWindow,
    LoadImage,
    Normalize,
    Orient,
    Pipeline,
    Processor,
    Resample,
    Resize,
    Row,
    write_image,
)
from fuse_engine.data.doctor import RoundTrip, displacement, round_trips
from tests.engine.data.doctor.conftest import grid, mask, picture, turned

KEY = "data.input.image"
MASK = "data.gt.segmentation"
ROW = Row("s", "s", None, {"image": "i.nrrd", "mask": "m.nrrd"}, Path())


class Mirrored(Processor):
    """Turns the array round and forgets the grid, as a user's function may."""

    def __call__(self, value, row):
        return Image(np.ascontiguousarray(value.array[..., ::-1]), value.geometry)


class SaysSo(Mirrored):
    """Does the same, and says that it moves pixels."""

    spatial: ClassVar[bool] = True


class Shifted(Processor):
    """Puts the grid half a pixel off along x."""

    spatial: ClassVar[bool] = True

    def __call__(self, value, row):
        origin = np.asarray(value.geometry.origin) + value.geometry.matrix[:, 0] * value.geometry.spacing[0] / 2
        old = value.geometry
        return Image(value.array, Geometry(old.size, old.spacing, tuple(origin.tolist()), old.direction))


class Trimmed(Mirrored):
    """Leaves out the first slice, and forgets to say that it does."""

    def __call__(self, value, row):
        old = value.geometry
        size = (*old.size[:2], old.size[2] - 1)
        return Image(value.array[:, 1:], Geometry(size, old.spacing, old.origin, old.direction))


MADE: list[weakref.ref[np.ndarray]] = []


class Watched(Processor):
    """Adds one, and notes how many of its results are still there."""

    def __call__(self, value, row):
        made = value.array + 1
        MADE.append(weakref.ref(made))
        assert sum(ref() is not None for ref in MADE) <= 4
        return Image(made, value.geometry)


def trips(folder: Path, image: Image, label: Image, *steps: Processor, **checks: float) -> dict[str, RoundTrip]:
    write_image(folder / "i.nrrd", image)
    write_image(folder / "m.nrrd", label)
    row = Row("s", "s", None, {"image": "i.nrrd", "mask": "m.nrrd"}, folder)
    pipelines = {
        KEY: Pipeline((LoadImage(), *steps)),
        MASK: Pipeline((LoadImage(column="mask", label=True), *(step for step in steps if step.spatial))),
    }
    return round_trips(pipelines, row, Checks(**checks))


@pytest.mark.parametrize("tilt", [0.0, 17.0])
@pytest.mark.parametrize(
    "step",
    [Orient(code="PIR"), Resample(spacing=[1.7, 1.1, 0.8]), Resize(size=[20, 7, 15]), Crop(size=[6, 8, 5])],
    ids=lambda step: step.name(),
)
def test_our_steps_leave_everything_where_it_is(step: Processor, tilt: float) -> None:
    like = picture(3, grid((24, 20, 22), direction=turned(tilt)))
    mm, voxels, _ = displacement(step, like, ROW)
    assert voxels < 0.06
    assert mm < 0.06 * 5


def test_a_grid_that_is_half_a_pixel_off_is_measured_as_that() -> None:
    mm, voxels, _ = displacement(Shifted(), picture(3, grid(spacing=(3.0, 1.5, 2.0), direction=turned(30))), ROW)
    assert (mm, voxels) == (pytest.approx(1.5, abs=1e-4), pytest.approx(0.5, abs=1e-4))


def test_a_turned_array_is_measured_and_named(tmp_path: Path) -> None:
    label = mask()
    label.array[..., 5:] = 0  # columns 3 and 4 come out as 5 and 6
    found = trips(tmp_path, picture(1), label, IntensityWindow(), SaysSo(), Resize(size=[8, 9, 10]))
    assert found[KEY].displacement_voxels == pytest.approx(9)  # from one end of ten pixels to the other
    assert found[KEY].displacement_mm == pytest.approx(9)
    assert found[KEY].reason == ("SaysSo shows pixels up to 9 mm (9 pixels) from where its grid says they are")
    assert not found[MASK].ok
    assert found[MASK].dice["1"] == 0


def test_a_step_that_hides_that_it_turns_is_named(tmp_path: Path) -> None:
    found = trips(tmp_path, picture(1), mask(), Normalize(), Mirrored(), IntensityWindow())
    assert found[KEY].reason == "Mirrored moves pixels and leaves the grid as it was"
    assert found[MASK].ok
    found = trips(tmp_path, picture(1), mask(), Normalize(), Trimmed())
    assert found[KEY].reason == "Trimmed changes the grid, but does not say that it is `spatial`"


def test_a_small_structure_does_not_survive_a_coarse_grid(tmp_path: Path) -> None:
    wide = grid((64, 64, 4), (1.0, 1.0, 1.0))
    array = np.zeros((1, *wide.shape), np.uint8)
    array[0, 1:3, 20:50, 20:50], array[0, 2, 5:7, 5:7] = 1, 2
    found = trips(tmp_path, picture(1, wide), Image(array, wide), Resize(size=[4, 16, 16]))
    assert found[MASK].dice["1"] > 0.8
    assert found[MASK].dice["2"] < 0.5
    assert "label 2 comes back with a Dice of" in found[MASK].reason
    assert found[KEY].dice == found[MASK].dice  # the mask goes along with its image
    assert trips(tmp_path, picture(1, wide), Image(array, wide), Resize(size=[4, 16, 16]), dice=0.0)[KEY].ok


def test_what_cropping_cuts_off_a_mask_is_counted(tmp_path: Path) -> None:
    wide = grid((20, 20, 4), (1.0, 1.0, 1.0))
    array = np.zeros((1, *wide.shape), np.uint8)
    array[0, :, :, 0:10] = 1  # the crop keeps columns 5 to 14 of 0 to 9
    found = trips(tmp_path, picture(1, wide), Image(array, wide), Crop(size=[4, 20, 10]), dice=0.0, covered=0.6)
    assert found[MASK].covered == pytest.approx(0.5)
    assert found[MASK].dice["1"] == pytest.approx(2 * 5 / (10 + 5))
    assert found[MASK].reason.startswith("50% of the mask is cut off; crop less")


def test_a_mask_of_another_grid_does_not_go_along(tmp_path: Path) -> None:
    other = mask(grid((20, 18, 16), (0.5, 0.75, 1.0)))
    found = trips(tmp_path, picture(1), other, Resize(size=[8, 9, 10]))
    assert (found[KEY].dice, found[KEY].ok) == ({}, True)
    assert found[MASK].dice["1"] > 0


def test_what_earlier_steps_made_is_let_go(tmp_path: Path) -> None:
    MADE.clear()
    assert trips(tmp_path, picture(0), mask(), *[Watched()] * 8)[KEY].ok
    assert len(MADE) >= 8


def test_the_reply_is_plain_data() -> None:
    trip = RoundTrip(1.5, 0.5, {"1": 0.25}, 0.75, "why")
    assert trip.to_json() == {
        "displacement_mm": 1.5, "displacement_voxels": 0.5, "dice": {"1": 0.25}, "covered": 0.75, "ok": False,
        "reason": "why",
    }  # fmt: skip
