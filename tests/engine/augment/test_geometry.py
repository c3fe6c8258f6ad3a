from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import ndimage

from fuse_engine.augment import Affine, Flip
from fuse_engine.augment.chance import Chance
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

Pixels = NDArray[np.float32]
KEYS = ["data.input.image", "data.gt.mask"]
STILL: dict[str, Any] = {
    "rotate": [0.0],
    "scale": [1.0, 1.0],
    "translate": [0.0, 0.0],
    "shear": [0.0],
    "spacing": [1.0, 1.0],
}


def centred(size: int) -> tuple[Pixels, Pixels]:
    axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return y, x


def bell(y: Pixels, x: Pixels) -> Pixels:
    return np.exp(-((y + 3) ** 2 + (x - 8) ** 2) / 200)


def test_a_turn_scale_and_shift_agree_with_the_closed_form() -> None:
    y, x = centred(96)
    angle, scale, (down, right) = np.radians(25), 1.2, (0.05 * 96, -0.1 * 96)
    params = {**STILL, "rotate": [25.0], "scale": [scale, scale], "translate": [0.05, -0.1]}
    moved = Affine(keys=KEYS).apply(bell(y, x)[None], params)[0]
    v, u = (y - down) / scale, (x - right) / scale
    expected = bell(-np.sin(angle) * u + np.cos(angle) * v, np.cos(angle) * u + np.sin(angle) * v)
    assert np.allclose(moved, expected, atol=2.5e-3)  # linear interpolation: an eighth of the curvature


def test_y_leans_towards_x() -> None:
    y, x = centred(96)
    moved = Affine(keys=KEYS).apply(bell(y, x)[None], {**STILL, "shear": [20.0]})[0]
    assert np.allclose(moved, bell(y, x - np.tan(np.radians(20)) * y), atol=2.5e-3)


def test_a_quarter_turn_takes_x_to_y() -> None:
    image = np.zeros((1, 5, 5), np.uint8)
    image[0, 2, 4] = 1
    turned = Affine(keys=KEYS).apply(image, {**STILL, "rotate": [90.0]})
    assert turned[0, 4, 2] == 1
    assert turned.sum() == 1


def test_in_3d_it_agrees_with_scipy() -> None:
    image = np.asarray(stream("affine").normal(size=(2, 9, 14, 11)).astype(np.float32))
    params = {
        "rotate": [20.0, -10.0, 30.0],
        "scale": [0.9, 0.9, 0.9],
        "translate": [0.1, 0.0, -0.1],
        "shear": [5.0, 0.0, -8.0],
        "spacing": [1.0, 1.0, 1.0],
    }
    moved = Affine(keys=KEYS, border="edge").apply(image, params)
    about_z, about_y, about_x = (np.radians(angle) for angle in params["rotate"])  # type: ignore[attr-defined]
    rotation = (
        np.array([[1, 0, 0], [0, np.cos(about_z), np.sin(about_z)], [0, -np.sin(about_z), np.cos(about_z)]])
        @ np.array([[np.cos(about_y), 0, -np.sin(about_y)], [0, 1, 0], [np.sin(about_y), 0, np.cos(about_y)]])
        @ np.array([[np.cos(about_x), np.sin(about_x), 0], [-np.sin(about_x), np.cos(about_x), 0], [0, 0, 1]])
    )
    shear = np.array([[1, 0, 0], [np.tan(np.radians(-8)), 1, 0], [0, np.tan(np.radians(5)), 1]])
    back = np.linalg.inv(rotation @ shear * 0.9)
    middle = (np.array([9, 14, 11]) - 1) / 2
    offset = middle - back @ (middle + np.array([0.9, 0.0, -1.1]))
    for channel in range(2):
        expected = ndimage.affine_transform(image[channel], back, offset, order=1, mode="nearest")
        assert np.allclose(moved[channel], expected, atol=1e-4)


def test_a_turn_through_thick_slices_keeps_its_angle_in_the_patient() -> None:
    grid = Geometry.plain((12, 60, 60), (5.0, 1.0, 1.0))
    z, y, x = np.meshgrid(*map(np.arange, grid.shape), indexing="ij")
    away = np.stack(((z - 5.5) * 5, y - 29.5, x - 29.5))  # mm from the centre
    bar = np.exp(-(away[0] ** 2 + away[1] ** 2) / 72 - away[2] ** 2 / 800).astype(np.float32)  # along x
    params = {**Affine(keys=KEYS).sample(Chance(0), grid), "rotate": [0.0, 35.0, 0.0]}
    moved = Affine(keys=KEYS).apply(bar[None], params)[0]
    spread = np.einsum("izyx,jzyx,zyx->ij", away, away, moved) / moved.sum()
    directions = np.linalg.eigh(spread[::2, ::2]).eigenvectors
    assert np.degrees(np.arctan(abs(directions[0, 1] / directions[1, 1]))) == pytest.approx(35, abs=1.5)


@pytest.mark.parametrize("shape", [(48, 40), (24, 32, 28)])
def test_image_and_mask_stay_together(shape: tuple[int, ...]) -> None:
    step = Affine(keys=KEYS, rotate=(-30, 30), scale=(0.8, 1.2), translate=(-0.1, 0.1), shear=(-10, 10))
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    centre = np.array(shape)[:, *[None] * len(shape)] * 0.45
    mask = np.asarray((((places - centre) ** 2).sum(0) < 36).astype(np.int64))[None]
    for seed in range(5):
        params = step.sample(Chance(seed), Geometry.plain(shape))
        image, label = (step.apply(each, params)[0] for each in (mask.astype(np.float32), mask))
        assert label.sum() > 50
        gap = np.subtract(ndimage.center_of_mass(image), ndimage.center_of_mass(label))
        assert np.abs(gap).max() < 0.15


def test_labels_keep_their_values_and_type() -> None:
    labels = np.asarray(stream("labels").choice([0, 3, 7, 1000], (1, 31, 33)))
    params = {**STILL, "rotate": [33.0], "scale": [1.1, 1.1]}
    moved = Affine(keys=KEYS).apply(labels, params)
    assert moved.dtype == labels.dtype
    assert set(moved.flat) == {0, 3, 7, 1000}


def test_the_border_is_zero_or_the_edge() -> None:
    image, shift = np.full((1, 8, 8), 5.0, np.float32), {**STILL, "translate": [0.0, 0.5]}
    assert Affine(keys=KEYS).apply(image, shift)[0, 0].tolist() == [0.0] * 4 + [5.0] * 4
    assert (Affine(keys=KEYS, border="edge").apply(image, shift) == 5).all()


def test_two_flips_are_none() -> None:
    volume = stream(0).random((2, 3, 4, 5), np.float32)
    step = Flip(keys=KEYS, axes=["x", "y", "z"], each=1.0)
    params = step.sample(Chance(1), Geometry.plain((3, 4, 5)))
    once = step.apply(volume, params)
    assert np.array_equal(once, volume[:, ::-1, ::-1, ::-1])
    assert np.array_equal(step.apply(once, params), volume)


def test_each_axis_flips_by_its_own_chance() -> None:
    step = Flip(keys=KEYS, axes=["x", "y"], each=0.25)
    drawn = [step.sample(Chance(seed), Geometry.plain((4, 4)))["axes"] for seed in range(2000)]
    for axis in ("x", "y"):
        assert np.mean([axis in axes for axes in drawn]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([len(axes) == 2 for axes in drawn]) == pytest.approx(0.0625, abs=0.02)


def test_an_axis_is_named_once() -> None:
    with pytest.raises(ValidationError, match="each axis once"):
        Flip(keys=KEYS, axes=["x", "x"])


def test_a_picture_has_no_z() -> None:
    with pytest.raises(FuseError, match="axes: a 2-D image has no z axis"):
        Flip(keys=KEYS, axes=["z"]).sample(Chance(1), Geometry.plain((4, 4)))


@pytest.mark.parametrize("wrong", [{"rotate": (5, -5)}, {"scale": (0, 1)}, {"shear": (0, 90)}])
def test_ranges_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Affine(keys=KEYS, **wrong)
