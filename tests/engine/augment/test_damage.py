"""The label-damage meter against hand counts: a motion is no damage, what it loses is."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from fuse_engine.augment.guards import Damage, Limits, Moved, components_of, damages
from fuse_engine.augment.pull import Border, Matrix, Pull, pulled
from fuse_engine.core.geometry import Geometry

SHAPE = (12, 14, 16)
SPACING = (3.0, 1.0, 0.5)
VOXEL = 1.5
NOTHING = np.zeros((0, *SHAPE), np.float32)


def box(*corner: tuple[int, int], label: int = 1) -> np.ndarray:
    labels = np.zeros((1, *SHAPE), np.uint8)
    labels[(0, *(slice(*side) for side in corner))] = label
    return labels


def shift(*by: float) -> Pull:
    """What lies at a voxel comes from `by` before it."""
    return Pull((Matrix(np.column_stack([np.eye(3), -np.array(by)])),), SHAPE)


def hurt(labels: np.ndarray, pull: Pull, border: Border = "zeros", limits: Limits | None = None) -> list[Damage]:
    components, owners = components_of(labels)
    after = pulled(NOTHING, labels, pull, border)[1]
    left = pulled(NOTHING, components, pull, border)[1]
    grid = Geometry.plain(SHAPE, SPACING)
    return damages(Moved("data.gt.mask", labels, after, left, owners, grid, [pull]), {1: "kidney"}, limits)


@pytest.mark.parametrize("axis", range(3))
def test_a_mirror_image_does_no_damage(axis: int) -> None:
    signs = np.ones(3)
    signs[axis] = -1
    (found,) = hurt(box((1, 4), (2, 5), (3, 9)), Pull.linear(np.diag(signs), SHAPE, SHAPE))
    assert (found.before_mm3, found.ideal_mm3, found.after_mm3) == pytest.approx((3 * 3 * 6 * VOXEL,) * 3)
    assert (found.volume_change, found.boundary_mm) == pytest.approx((0, 0), abs=1e-6)
    assert (found.components, found.components_lost, found.vanished, found.new) == (1, 0, False, False)
    assert (found.name, found.unit, found.warn) == ("kidney", "mm³", "")


def test_what_is_pushed_over_the_edge_is_counted() -> None:
    # 4 of 10 columns leave: 40 % of the volume, and the faces there lie 4 * 0.5 mm inside of where they should be
    (found,) = hurt(box((2, 10), (2, 12), (6, 16)), shift(0, 0, 4))
    assert found.after_mm3 == 8 * 10 * 6 * VOXEL
    assert found.volume_change == pytest.approx(-0.4)
    assert found.boundary_mm == pytest.approx(2.0)
    assert found.warn == "40% of its volume lost"


def test_components_are_followed_not_counted() -> None:
    labels = box((1, 4), (1, 4), (1, 4)) + box((1, 4), (1, 4), (12, 15)) + box((8, 11), (8, 11), (12, 15))
    (found,) = hurt(labels, shift(0, 0, 5))  # two of three leave on the right
    assert (found.components, found.components_lost) == (3, 2)
    assert "2 components lost" in found.warn
    assert hurt(labels, shift(0, 0, 1), limits=Limits(volume=1))[0].components_lost == 0


def test_voxels_that_touch_at_a_corner_are_one_component() -> None:
    labels = box((1, 2), (1, 2), (1, 2)) + box((2, 3), (2, 3), (2, 3)) + box((5, 6), (1, 2), (1, 2), label=2)
    numbers, owners = components_of(labels)
    assert owners == {1: 1, 2: 2}
    assert numbers[0, 1, 1, 1] == numbers[0, 2, 2, 2] == 1


def test_a_class_that_leaves_has_vanished() -> None:
    one, two = hurt(box((1, 4), (1, 4), (1, 4)) + box((5, 8), (5, 8), (13, 16), label=2), shift(0, 0, 3))
    assert (one.vanished, one.warn) == (False, "")
    assert (two.vanished, two.volume_change, two.warn) == (True, -1.0, "vanished")


def test_growing_is_meant_and_no_damage() -> None:
    # twice as long along x: from 4 to 8 columns, which fall on whole voxels
    double = Pull.linear(np.diag([1, 1, 0.5]), SHAPE, SHAPE)
    (found,) = hurt(box((2, 9), (2, 9), (6, 10)), double)
    assert found.before_mm3 == 7 * 7 * 4 * VOXEL
    assert (found.ideal_mm3, found.after_mm3) == pytest.approx((7 * 7 * 8 * VOXEL, 7 * 7 * 8 * VOXEL))
    assert found.boundary_mm == pytest.approx(0, abs=1e-6)


def test_a_thin_plate_is_lost_between_the_voxels() -> None:
    # of 8 columns 4 are left, every other one, so a plate of one column is there as a whole or not at all
    half = Pull.linear(np.diag([1, 1, 2]), SHAPE, SHAPE)
    found = [hurt(box((2, 9), (2, 9), (at, at + 1)), half)[0] for at in (6, 7)]
    assert sorted(item.vanished for item in found) == [False, True]
    kept = next(item for item in found if not item.vanished)
    assert kept.volume_change == pytest.approx(1.0), "one whole column stands for half of one"


def test_a_value_that_was_not_there_is_named() -> None:
    labels = box((1, 4), (1, 4), (1, 4))
    after = labels.copy()
    after[0, 6:8, 6:8, 6:8] = 9
    components, owners = components_of(labels)
    moved = Moved("k", labels, after, components, owners, Geometry.plain(SHAPE, SPACING), [])
    old, new = damages(moved, {})
    assert (old.warn, new.label, new.new, new.volume_change) == ("", 9, True, None)
    assert (new.after_mm3, new.warn) == (8 * VOXEL, "a value that was not there before")


def test_negative_and_large_labels_are_classes_too() -> None:
    labels = box((1, 4), (1, 4), (1, 4)).astype(np.int32) * 2_000_000_000 - box((6, 8), (6, 8), (6, 8)).astype(int)
    tracemalloc.start()
    try:
        assert [item.label for item in hurt(labels.astype(np.int32), shift(0, 1, 0))] == [-1, 2_000_000_000]
        assert tracemalloc.get_traced_memory()[1] < 50e6, "no table of all numbers up to the largest"
    finally:
        tracemalloc.stop()


def test_in_the_plane_it_is_mm2() -> None:
    labels = np.zeros((1, 20, 20), np.uint8)
    labels[0, 5:10, 5:10] = 1
    components, owners = components_of(labels)
    moved = Moved("k", labels, labels, components, owners, Geometry.plain((20, 20), (2.0, 0.5)), [])
    (found,) = damages(moved, {})
    assert (found.unit, found.before_mm3, found.boundary_mm) == ("mm²", 25.0, 0.0)
