"""Polygons in a table become label maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.path import Path as Outline
from scipy.ndimage import binary_dilation, binary_erosion

from fuse_engine.core.errors import SampleError
from fuse_engine.data import Contours, Image, Row, write_image

Rows = Callable[..., Row]


@pytest.fixture
def picture(tmp_path: Path) -> str:
    sitk.WriteImage(sitk.Image(60, 50, sitk.sitkUInt8), str(tmp_path / "i.png"))
    return "i.png"


def inside(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return Outline(points).contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(shape)


@pytest.mark.parametrize("seed", range(5))
def test_a_polygon_equals_matplotlibs_but_for_its_border(picture: str, row: Rows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 15))
    radius = rng.uniform(6, 30, 15)
    points = np.stack([30 + radius * np.cos(angle), 25 + radius * np.sin(angle)], 1)
    found = Contours()(None, row(image=picture, contours=json.dumps([points.tolist()])))
    reference = inside(points, (50, 60))
    border = binary_dilation(reference) & ~binary_erosion(reference)
    assert found.array.shape == (1, 50, 60)
    assert (found.array[0].astype(bool) == reference)[~border].all()
    assert (found.array[0] != reference).mean() < 0.005


def test_whole_numbers_are_pixel_centres(picture: str, row: Rows) -> None:
    square = [[9.5, 4.5], [19.5, 4.5], [19.5, 11.5], [9.5, 11.5]]
    found = Contours()(None, row(image=picture, contours=json.dumps([square])))
    expected = np.zeros((50, 60), bool)
    expected[5:12, 10:20] = True
    np.testing.assert_array_equal(found.array[0], expected)
    outside = [[50, 40], [99, 40], [99, 99], [50, 99]]
    assert Contours()(None, row(image=picture, contours=json.dumps([outside]))).array[0, 41:, 51:].all()


def test_only_samples_that_meet_the_condition_are_drawn(picture: str, row: Rows) -> None:
    step = Contours(where={"biopsy": ["positive"]})
    text = "[[[5, 5], [20, 5], [20, 20]]]"
    assert step(None, row(image=picture, contours=text, biopsy="positive")).array.any()
    assert not step(None, row(image=picture, contours=text, biopsy="normal")).array.any()
    assert not step(None, row(image=picture, contours="", biopsy="positive")).array.any()


def test_polygons_of_a_volume_name_their_slice(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "v.nii", volume)
    text = json.dumps([{"slice": 2, "points": [[1.5, 1.5], [5.5, 1.5], [5.5, 4.5], [1.5, 4.5]]}])
    found = Contours()(None, row(image="v.nii", contours=text))
    assert found.array[0, 2, 2:5, 2:6].all()
    assert found.array.sum() == 12
    assert found.geometry.near(volume.geometry)
    with pytest.raises(SampleError, match=r"polygon 1 must lie in a slice from 0 to 5; got \{'slice': 6"):
        Contours()(None, row(image="v.nii", contours='[{"slice": 6, "points": [[0, 0], [1, 0], [1, 1]]}]'))
    with pytest.raises(SampleError, match="polygon 1 of a volume must be"):
        Contours()(None, row(image="v.nii", contours="[[[0, 0], [1, 0], [1, 1]]]"))


def test_a_polygon_inside_another_is_a_hole_where_asked(picture: str, row: Rows) -> None:
    outer = [[9.5, 9.5], [29.5, 9.5], [29.5, 29.5], [9.5, 29.5]]
    inner = [[14.5, 14.5], [19.5, 14.5], [19.5, 24.5], [14.5, 24.5]]
    cell = row(image=picture, contours=json.dumps([outer, inner]))
    assert Contours()(None, cell).array.sum() == 400
    ring = Contours(holes=True)(None, cell).array[0]
    assert ring.sum() == 400 - 50
    assert not ring[15:25, 15:20].any()


def test_polygons_in_mm_lie_where_the_patient_is(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "v.nii", volume)
    corners = [(2, 1.5, 1.5), (2, 1.5, 5.5), (2, 4.5, 5.5), (2, 4.5, 1.5)]
    points = [list(volume.geometry.point(corner)) for corner in corners]
    found = Contours(unit="mm")(None, row(image="v.nii", contours=json.dumps([points])))
    expected = np.zeros((6, 8, 10), bool)
    expected[2, 2:5, 2:6] = True
    np.testing.assert_array_equal(found.array[0], expected)
    tilted = [*points[:3], list(volume.geometry.point((3.2, 4.5, 1.5)))]
    with pytest.raises(SampleError, match="polygon 1 must lie within one slice"):
        Contours(unit="mm")(None, row(image="v.nii", contours=json.dumps([tilted])))
    above = [list(volume.geometry.point((9, y, x))) for _, y, x in corners]
    with pytest.raises(SampleError, match="polygon 1 must lie in a slice from 0 to 5, not in 9"):
        Contours(unit="mm")(None, row(image="v.nii", contours=json.dumps([above])))
    with pytest.raises(SampleError, match=r"three or more \[x, y, z\]"):
        Contours(unit="mm")(None, row(image="v.nii", contours="[[[0, 0], [1, 0], [1, 1]]]"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2", "column 'contours' is not readable as JSON"),
        ("[" * 100_000, "column 'contours' is not readable as JSON"),
        ('{"a": 1}', "holds no list"),
        ("[[[1, 2], [3, 4]]]", "polygon 1 must be a list of three or more"),
        ("[[[1, 2], [3, 4], [5, NaN]]]", "polygon 1 must be a list of three or more"),
        ('[[[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, "x"]]]', "polygon 2 must be a list"),
        ("[[[1, 2], [3, 4], [5, 1e300]]]", "polygon 1 must be a list"),
    ],
)
def test_text_that_is_no_polygon_is_named(picture: str, row: Rows, text: str, message: str) -> None:
    with pytest.raises(SampleError, match=f"sample 's1': .*{message}"):
        Contours()(None, row(image=picture, contours=text))
