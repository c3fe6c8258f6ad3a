"""Passports say where an image lies, against SimpleITK's own orientation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.geometry import Geometry
from fuse_engine.core.health import Passport
from fuse_engine.data.doctor import axes_code, oblique_degrees
from fuse_engine.data.doctor.passport import grid_difference, passport
from tests.engine.data.doctor.conftest import grid, turned

CODES = [
    "".join(letters) for axes in itertools.permutations(("LR", "PA", "SI")) for letters in itertools.product(*axes)
]


@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_all_48_codes_are_those_of_simpleitk(degrees: float) -> None:
    assert len(set(CODES)) == 48
    for code in CODES:
        straight = sitk.DICOMOrientImageFilter.GetDirectionCosinesFromOrientation(code)
        matrix = np.asarray(turned(degrees)).reshape(3, 3) @ np.asarray(straight).reshape(3, 3)
        geometry = grid(direction=tuple(matrix.ravel().tolist()))
        assert axes_code(geometry) == code
        assert oblique_degrees(geometry) == pytest.approx(degrees, abs=1e-4)


def test_a_passport_has_the_order_of_arrays_and_survives_the_way_to_the_window() -> None:
    found = passport("s1", "data.input.image", grid(direction=turned(-7)), True)
    assert found == Passport("s1", "data.input.image", "LPS", (2.0, 1.5, 1.0), (8, 9, 10), 7.0, True)
    assert Passport.from_json(found.to_json()) == found


def test_a_picture_says_nothing_of_the_patient() -> None:
    plain = Geometry.plain((20, 30))
    assert (axes_code(plain), oblique_degrees(plain)) == ("", 0.0)
    assert grid_difference(plain, Geometry((30, 20), (0.2, 0.2), (3.0, 4.0), (1.0, 0, 0, 1.0)), 0.1) == ""
    assert "2-D, the image 3-D" in grid_difference(plain, grid(), 0.1)


@pytest.mark.parametrize(("shift", "same"), [(0.05, True), (0.09, True), (0.11, False)])
def test_corners_may_be_off_by_a_tenth_of_a_pixel_at_most(shift: float, same: bool) -> None:
    moved = grid(origin=(5.0 + shift, 6.0, 7.0))
    assert (grid_difference(moved, grid(), 5.0) == "") == same
    assert grid_difference(moved, grid(), 0.01) != ""
