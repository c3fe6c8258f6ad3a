"""Orientation matrix on the screen: image and mask are drawn at one place after every spatial step.

A layer's world is index times scale plus translate: tests/viewer/test_world.py asks napari whether that is so.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Crop, CropForeground, CropOrPad, Image, Orient, Pad, Processor, Resample, Resize, Row
from fuse_gui.models.canonical import Canonical, canonical

CODES = [
    "".join(letters) for axes in itertools.permutations(("LR", "PA", "SI")) for letters in itertools.product(*axes)
]
TILT = np.asarray(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.3).GetMatrix()).reshape(3, 3)
STEPS: list[Processor] = [
    Orient(code="PIR"), Resample(spacing=[1.3, 0.8, 0.7]), Resize(size=[30, 18, 25]), Crop(size=[14, 13, 12]),
    CropOrPad(size=[24, 15, 20]), CropForeground(margin=[2]), Pad(by=[0, 1, 2, 3, 4, 5]),
]  # fmt: skip
ROW = Row("s", "s", None, {}, Path())
CENTRE = (12.0, 8.0, 11.0)
"""Index (z, y, x) of the middle of the ball, off the middle of the grid."""


def grid_of(code: str, tilted: bool) -> Geometry:
    straight = sitk.DICOMOrientImageFilter.GetDirectionCosinesFromOrientation(code)
    matrix = np.asarray(straight).reshape(3, 3)
    matrix = TILT @ matrix if tilted else matrix
    return Geometry((20, 19, 22), (0.9, 1.2, 1.5), (-30.0, 12.0, 7.0), tuple(matrix.ravel().tolist()))


def ball(grid: Geometry) -> np.ndarray:
    index = np.moveaxis(np.indices(grid.shape), 0, -1) - CENTRE
    return (np.linalg.norm(index * grid.spacing[::-1], axis=-1) < 5)[None]


def middle(shown: Canonical) -> np.ndarray:
    """Return the centre of the ball in mm of napari's world, (z, y, x)."""
    weights = np.maximum(np.asarray(shown.array[0], float), 0)
    places = np.indices(weights.shape).reshape(3, -1)
    return places @ weights.ravel() / weights.sum() * shown.scale + shown.translate


@pytest.mark.parametrize("tilted", [False, True], ids=["orthogonal", "oblique"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name())
def test_image_and_mask_are_drawn_at_one_place(step: Processor, tilted: bool) -> None:
    for code in CODES:
        grid = grid_of(code, tilted)
        mask = Image(ball(grid).astype(np.uint8), grid)
        image = step.move(Image(mask.array.astype(np.float32), grid), mask, ROW)
        label = step.move(mask, mask, ROW)
        shown, drawn = canonical(image.array, image.geometry), canonical(label.array, label.geometry)
        assert (np.abs(middle(shown) - middle(drawn)) / shown.scale).max() < 0.5, code
        if not tilted:  # the world is then the patient, in the order z, y, x
            off = np.abs(middle(shown) - grid.point(CENTRE)[::-1])
            assert (off / np.maximum(shown.scale, np.min(grid.spacing))).max() < 0.5, code


def test_an_oblique_image_keeps_its_distances_on_the_screen() -> None:
    """Drawn along the nearest axes of the patient about its centre, it is turned as a whole and not bent."""
    for code in CODES:
        grid = grid_of(code, True)
        shown = canonical(ball(grid).astype(np.float32), grid)
        centre = np.asarray(grid.point(tuple((n - 1) / 2 for n in grid.shape)))
        truth = np.linalg.norm(np.asarray(grid.point(CENTRE)) - centre)
        assert np.linalg.norm(middle(shown) - centre[::-1]) == pytest.approx(truth, abs=0.1)
