"""A step that turns pixels and keeps it to itself is found; one that works in place is not blamed."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from fuse_engine.core import registry
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, Processor, Row
from fuse_engine.data.doctor.locality import moves_pixels

ROW = Row("s", "s", None, {}, Path())
SHAPES = [(20, 20), (64, 48), (3, 40, 40), (12, 32, 30)]


class Flipped(Processor):
    axes: tuple[int, ...] = (0,)

    def __call__(self, value, row):
        return Image(np.ascontiguousarray(np.flip(value.array, [axis + 1 for axis in self.axes])), value.geometry)


class Swapped(Processor):
    def __call__(self, value, row):
        return Image(np.ascontiguousarray(np.swapaxes(value.array, -1, -2)), value.geometry)


class Blurred(Processor):
    def __call__(self, value, row):
        return Image(ndimage.gaussian_filter(value.array, (0, *(3,) * (value.array.ndim - 1))), value.geometry)


def noise(shape: tuple[int, ...]) -> Image:
    array = np.random.default_rng(0).normal(0, 1, (1, *shape)).astype(np.float32)
    array[..., : shape[-1] // 3] = 0  # as around a head
    return Image(array, Geometry.plain(shape))


def blamed(step: Processor, image: Image) -> bool:
    return moves_pixels(step, image, step(image, ROW), ROW)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("label", [False, True])
def test_every_flip_and_swap_is_found(shape: tuple[int, ...], label: bool) -> None:
    image = noise(shape)
    image = Image((image.array > 0).astype(np.uint8), image.geometry) if label else image
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            assert blamed(Flipped(axes=axes), image), axes
    if shape[-1] == shape[-2]:
        assert blamed(Swapped(), image)


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_that_change_intensities_are_not_blamed(shape: tuple[int, ...]) -> None:
    image, tried = noise(shape), 0
    assert not blamed(Blurred(), image)
    for name, cls in registry.every("processor").items():
        if cls.spatial or name in ("Function", "HistogramMatch"):
            continue
        try:
            step = cls()
            after = step(image, ROW)
        except Exception:  # noqa: BLE001, S112 it reads the table, or needs arguments
            continue
        if isinstance(after, Image):
            tried += 1
            assert not moves_pixels(step, image, after, ROW), name
    assert tried >= 5
