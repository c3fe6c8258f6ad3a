"""Orientation matrix: a spatial step leaves every pixel where it lies in the patient; masks go with images."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core import registry
from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, Processor, ResampleLike, Resize, Row, write_image
from fuse_engine.data.image import from_itk, to_itk

Rows = Callable[..., Row]

STEPS: dict[str, dict[int, dict[str, Any]]] = {
    "Orient": {2: {}, 3: {"code": "PIR"}},
    "Resample": {2: {"spacing": [0.7, 1.1]}, 3: {"spacing": [1.3, 0.8, 0.7]}},
    "ResampleLike": {2: {"column": "other"}, 3: {"column": "other"}},
    "Resize": {2: {"size": [9, 21]}, 3: {"size": [15, 9, 20]}},
    "Crop": {2: {"size": [7, 9]}, 3: {"size": [7, 9, 8]}},
    "CropOrPad": {2: {"size": [20, 9]}, 3: {"size": [20, 9, 13]}},
    "CropForeground": {2: {"like": "mask", "margin": [1]}, 3: {"like": "mask", "margin": [1]}},
    "Pad": {2: {"by": [2]}, 3: {"by": [0, 1, 2, 3, 4, 5]}},
}
OWN = {"Function"}
"""What a function moves is its author's; it is tested elsewhere."""
CODES = [
    "".join(letters) for axes in itertools.permutations(("LR", "PA", "SI")) for letters in itertools.product(*axes)
]
TILT = np.asarray(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.3).GetMatrix()).reshape(3, 3)


def test_every_spatial_step_is_in_the_matrix() -> None:
    ours = {name: cls for name, cls in registry.every("processor").items() if "fuse_engine" in cls.__module__}
    assert {name for name, cls in ours.items() if cls.spatial} - OWN == set(STEPS)  # type: ignore[attr-defined]
    assert len(set(CODES)) == 48


def grid_of(code: str, tilted: bool) -> Geometry:
    """Return a grid whose x, y, z run to the letters of `code`, before it is tilted."""
    towards = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
    matrix = np.asarray([towards[letter] for letter in code], float).T
    matrix = TILT @ matrix if tilted else matrix
    return Geometry((12, 11, 13), (0.9, 1.2, 1.5), (-30.0, 12.0, 7.0), tuple(matrix.ravel().tolist()))


def places(grid: Geometry) -> Image:
    """Return an image whose channels hold the position of each pixel in mm."""
    steps = np.indices(grid.shape)[::-1].reshape(grid.dims, -1) * np.reshape(grid.spacing, (-1, 1))
    points = np.reshape(grid.origin, (-1, 1)) + grid.matrix @ steps
    return Image(points.astype(np.float32).reshape(grid.dims, *grid.shape), grid)


def ball(grid: Geometry) -> Image:
    """Return a label map of the pixels within 4 mm of the middle of the grid."""
    middle = grid.point(tuple((n - 1) / 2 for n in grid.shape))
    away = np.linalg.norm(places(grid).array - np.reshape(middle, (-1, *[1] * grid.dims)), axis=0)
    return Image((away <= 4).astype(np.uint8)[None], grid)


def hold(step: Processor, image: Image, mask: Image, row: Row) -> None:
    moved, label = step(image, row), step(mask, row)
    assert isinstance(moved, Image)
    assert isinstance(label, Image)
    assert moved.geometry == label.geometry
    assert label.array.dtype == mask.array.dtype
    truth = places(moved.geometry).array
    inside = moved.geometry.index(truth.reshape(moved.geometry.dims, -1).T)
    assert np.allclose(inside, np.indices(moved.geometry.shape).reshape(moved.geometry.dims, -1).T, atol=1e-3)
    away = np.abs(moved.array - truth).max(0)
    shown = label.array[0] == 1
    # the weights of a shrinking Resize are those of torch: not quite symmetric
    assert away[shown].max() < (0.2 if isinstance(step, Resize) else 1e-3) * min(image.geometry.spacing)
    radius = np.linalg.norm(truth - truth[:, shown].mean(1).reshape(-1, *[1] * truth[0].ndim), axis=0)
    half = max(max(image.geometry.spacing), max(moved.geometry.spacing)) * np.sqrt(truth[0].ndim) / 2
    assert shown[radius < 4 - half].all()
    assert not shown[radius > 4 + half].any()


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("name", sorted(STEPS))
def test_48_orientations(tmp_path: Path, row: Rows, name: str, tilted: bool) -> None:
    step = registry.get("processor", name).model_validate(STEPS[name][3])
    assert isinstance(step, Processor)
    for code in CODES:
        image, mask = places(grid_of(code, tilted)), ball(grid_of(code, tilted))
        if "mask" in STEPS[name][3].values():
            write_image(tmp_path / "mask.nrrd", mask)
        if "other" in STEPS[name][3].values():
            write_image(tmp_path / "other.nrrd", from_itk(sitk.DICOMOrient(to_itk(mask), "LPS")))
        hold(step, image, mask, row(mask="mask.nrrd", other="other.nrrd"))


@pytest.mark.parametrize("name", sorted(STEPS))
def test_planes(tmp_path: Path, row: Rows, name: str) -> None:
    step = registry.get("processor", name).model_validate(STEPS[name][2])
    assert isinstance(step, Processor)
    grid = Geometry((17, 15), (0.9, 1.2), (5.0, -3.0), (0.8, -0.6, 0.6, 0.8))
    other = Geometry((30, 28), (0.5, 0.6), (0.0, -4.0), (1.0, 0.0, 0.0, 1.0))
    write_image(tmp_path / "mask.nrrd", ball(grid))
    write_image(tmp_path / "other.nrrd", Image(np.zeros((1, 28, 30), np.uint8), other))
    hold(step, places(grid), ball(grid), row(mask="mask.nrrd", other="other.nrrd"))


def test_a_mask_of_another_grid_comes_onto_the_images(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "i.nii", volume)
    grid = Geometry((20, 22, 24), (0.7, 0.7, 0.7), (8.0, -24.0, -3.0), tuple(np.eye(3).ravel().tolist()))
    mask = Image((np.random.default_rng(0).random((1, 24, 22, 20)) > 0.5).astype(np.uint8), grid)
    found = ResampleLike(column="image")(mask, row(image="i.nii"))
    reference = sitk.Resample(to_itk(mask), to_itk(volume), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    np.testing.assert_array_equal(found.array[0], sitk.GetArrayFromImage(reference))
    assert found.array.any()
    assert found.geometry.near(volume.geometry)
    smooth = Image(np.cumsum(mask.array, 1).astype(np.float32), grid)
    reference = sitk.Resample(to_itk(smooth), to_itk(volume), sitk.Transform(), sitk.sitkLinear, -5)
    found = ResampleLike(column="image", fill=-5)(smooth, row(image="i.nii"))
    np.testing.assert_allclose(found.array[0], sitk.GetArrayFromImage(reference), atol=1e-5)
    assert ResampleLike(column="image")(volume, row(image="i.nii")) is volume


def test_a_mask_that_has_nothing_to_do_with_the_image_is_refused(tmp_path: Path, volume: Image, row: Rows) -> None:
    write_image(tmp_path / "i.nii", volume)
    apart = Image(volume.array, Geometry((10, 8, 6), (1.0,) * 3, (500.0, 0.0, 0.0), volume.geometry.direction))
    with pytest.raises(SampleError, match="shows no part of the patient that the image in column 'image' shows"):
        ResampleLike()(apart, row(image="i.nii"))
    sitk.WriteImage(sitk.Image(64, 48, sitk.sitkUInt8), str(tmp_path / "p.png"))
    flat = Image(np.zeros((1, 10, 10), np.uint8), Geometry.plain((10, 10)))
    with pytest.raises(SampleError, match="says where it lies; expected equal sizes; or a Resize step; got 10"):
        ResampleLike()(flat, row(image="p.png"))
    with pytest.raises(SampleError, match="the image has 2 axes, the image in column 'image' has 3"):
        ResampleLike()(flat, row(image="i.nii"))
