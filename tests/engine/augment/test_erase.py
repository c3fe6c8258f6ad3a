from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fuse_engine.augment import CoarseDropout, Cutout, Dropout, Swap
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]


def picture(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("picture").normal(2, 3, shape).astype(np.float32))


def test_boxes_are_cut_out_of_all_channels() -> None:
    image = picture(2, 10, 8)
    cut = Cutout(keys=KEYS).apply(image, {"boxes": [[[0.2, 0.5], [0.5, 1.0]], [[0, 0], [0.1, 0.25]]], "fill": 9.0})
    expected = image.copy()
    expected[:, 2:5, 4:8] = expected[:, 0:1, 0:2] = 9
    assert np.array_equal(cut, expected)


def test_drawn_boxes_lie_within_and_reach_every_place() -> None:
    step, grid = Cutout(keys=KEYS, count=2, size=(0.1, 0.3)), Geometry.plain((30, 30, 30))
    boxes = np.array([box for seed in range(300) for box in step.sample(Chance(seed), grid)["boxes"]])
    assert boxes.shape == (600, 2, 3)
    edges = boxes[:, 1] - boxes[:, 0]
    assert 0.1 <= edges.min() < 0.11
    assert 0.29 < edges.max() <= 0.3 + 1e-12
    assert 0 <= boxes.min() < 0.01
    assert 0.99 < boxes.max() <= 1 + 1e-12
    extreme = step.sample(Extreme(True, 1), grid)["boxes"]
    assert extreme[0] != extreme[1]


def test_dropout_takes_its_share_in_all_channels_alike() -> None:
    image = np.ones((2, 300, 300), np.float32)
    left = Dropout(keys=KEYS).apply(image, {"share": 0.2, "fill": -1.0, "seed": 4})
    assert float((left[0] == -1).mean()) == pytest.approx(0.2, abs=0.01)
    assert np.array_equal(left[0], left[1])


def test_coarse_dropout_takes_whole_cells() -> None:
    image = np.ones((1, 60, 80), np.float32)
    left = CoarseDropout(keys=KEYS).apply(image, {"share": 0.3, "cells": [12, 10], "fill": 0.0, "seed": 4})
    cells = left[0, ::5, ::8]
    assert 0 < cells.mean() < 1
    assert np.array_equal(left[0], np.kron(cells, np.ones((5, 8))))
    drawn = CoarseDropout(keys=KEYS, cells=(2, 9)).sample(Chance(1), Geometry.plain((6, 6, 6)))["cells"]
    assert len(set(drawn)) == 1


def test_two_patches_change_places() -> None:
    image = np.arange(60, dtype=np.float32).reshape(1, 6, 10)
    swapped = Swap(keys=KEYS).apply(image, {"size": [1 / 3, 0.2], "pairs": [[[0, 0], [1, 1]]]})
    expected = image.copy()
    expected[0, :2, :2], expected[0, 4:, 8:] = image[0, 4:, 8:], image[0, :2, :2]
    assert np.array_equal(swapped, expected)


@pytest.mark.parametrize("shape", [(1, 30, 41), (2, 12, 20, 17)])
def test_swapped_patches_lose_no_value(shape: tuple[int, ...]) -> None:
    step, image = Swap(keys=KEYS, size=(0.1, 0.4)), picture(*shape)
    for seed in range(10):
        swapped = step.apply(image, step.sample(Chance(seed), Geometry.plain(shape[1:])))
        assert not np.array_equal(swapped, image)
        for before, after in zip(image, swapped, strict=True):
            assert np.array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
