"""Boxes in a table become label maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Boxes, Image, Row, write_image

Rows = Callable[..., Row]


@pytest.fixture
def picture(tmp_path: Path) -> str:
    sitk.WriteImage(sitk.Image(60, 50, sitk.sitkUInt8), str(tmp_path / "i.png"))
    return "i.png"


def test_corners_are_the_first_and_the_last_pixel(picture: str, row: Rows) -> None:
    found = Boxes()(None, row(image=picture, boxes="[[10, 5, 19, 11], [55, 40, 99, 99]]")).array[0]
    expected = np.zeros((50, 60), bool)
    expected[5:12, 10:20] = True
    expected[40:, 55:] = True
    np.testing.assert_array_equal(found, expected)
    assert not Boxes()(None, row(image=picture, boxes="")).array.any()
    assert not Boxes()(None, row(image=picture, boxes="[[-9, -9, -1, -1]]")).array.any()


def test_a_box_of_coco_has_as_many_pixels_as_it_says(picture: str, row: Rows) -> None:
    found = Boxes(second="size")(None, row(image=picture, boxes="[[10, 5, 4, 7]]")).array[0]
    assert found.sum() == 28
    assert found[5:12, 10:14].all()


def test_boxes_of_a_volume(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "v.nii", volume)
    whole = Boxes()(None, row(image="v.nii", boxes="[[1, 2, 3, 4, 5, 4]]"))
    assert whole.array[0, 3:5, 2:6, 1:5].all()
    assert whole.array.sum() == 2 * 4 * 4
    assert whole.geometry.near(volume.geometry)
    one = Boxes()(None, row(image="v.nii", boxes='[{"slice": 2, "box": [1, 2, 4, 5]}]'))
    assert one.array[0, 2, 2:6, 1:5].all()
    assert one.array.sum() == 16


def test_a_box_in_mm_holds_the_pixels_whose_place_lies_in_it(tmp_path: Path, row: Rows) -> None:
    turn = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.5).GetMatrix()
    grid = Geometry((12, 10, 8), (1.0, 1.5, 2.0), (-20.0, 5.0, 30.0), turn)
    write_image(tmp_path / "v.nrrd", Image(np.zeros((1, 8, 10, 12), np.float32), grid))
    middle = np.asarray(grid.point((4, 5, 6)))
    low, high = middle - np.array([3, 4, 5]), middle + np.array([2, 3, 4])
    found = Boxes(unit="mm")(None, row(image="v.nrrd", boxes=json.dumps([[*low, *high]]))).array[0]
    for index in np.ndindex(8, 10, 12):
        place = np.asarray(grid.point(index))
        assert found[index] == ((place >= low).all() and (place <= high).all())
    assert 20 < found.sum() < 900
    sized = Boxes(unit="mm", second="size")(None, row(image="v.nrrd", boxes=json.dumps([[*low, *(high - low)]])))
    np.testing.assert_array_equal(sized.array[0], found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2, 3]]", r"box 1 must be \[x0, y0, x1, y1\]"),
        ("[[1, 2, 3, 4], [5, 6, 1, 9]]", "box 2 must have its first corner before its last"),
        ("[[1, 2, 3, NaN]]", r"box 1 must be \[x0, y0, x1, y1\]"),
        ('[{"slice": 1, "box": [1, 2, 3, 4]}]', "box 1 must be a list of 4 numbers"),
        ("[1, 2, 3, 4]", r"box 1 must be \[x0, y0, x1, y1\]"),
        ("{}", "holds no list"),
        ("oops", r"not readable as JSON; expected e.g. \[\[10, 10, 20, 30\]\]"),
    ],
)
def test_text_that_is_no_box_is_named(picture: str, row: Rows, text: str, message: str) -> None:
    with pytest.raises(SampleError, match=f"sample 's1': column 'boxes'.*{message}"):
        Boxes()(None, row(image=picture, boxes=text))
