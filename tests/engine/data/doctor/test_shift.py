"""A step that shifts or turns what it shows inside its grid is found; one that works in place is not blamed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage import exposure

from fuse_engine.core import registry
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Image, Processor, Row
from fuse_engine.data.doctor.shift import shift
from tests.engine.data.doctor.conftest import mask
from tests.engine.data.doctor.test_roundtrip import KEY, MASK, trips

ROW = Row("s", "s", None, {}, Path())
SHAPES = [(64, 48), (200, 220), (20, 64, 60)]
IN_PLACE: dict[str, Callable[[Any], Any]] = {
    "same": lambda x: x,
    "negative": lambda x: -x,
    "window": lambda x: np.clip((x + 160) / 400, 0, 1),
    "threshold": lambda x: (x > 40).astype(np.float32),
    "blur": lambda x: ndimage.gaussian_filter(x, 2),
    "median": lambda x: ndimage.median_filter(x, 3),
    "opening": lambda x: ndimage.grey_opening(x, 3),
    "gradient": lambda x: np.gradient(x, axis=0),
    "edges": lambda x: ndimage.gaussian_gradient_magnitude(x, 1),
    "running sum": lambda x: x.cumsum(0),
    "local contrast": lambda x: exposure.equalize_adapthist((x - x.min()) / np.ptp(x)),
    "noise": lambda x: x + np.random.default_rng().normal(0, 10, x.shape),
}


class Applied(Processor):
    """Applies a function to every channel."""

    way: Any = None

    def __call__(self, value, row):
        return Image(np.stack([self.way(channel) for channel in value.array]), value.geometry)


def head(shape: tuple[int, ...], label: bool = False) -> Image:
    """Return a textured ellipsoid in air, HU, or its bright parts as a label map."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 1)
    away = sum(((np.indices(shape)[axis] - n / 2) / (n / 2.6)) ** 2 for axis, n in enumerate(shape))
    array = np.where(away < 1, 40 + 10 * texture / texture.std(), -1000)
    array = (array > 40).astype(np.uint8) if label else array.astype(np.float32)
    return Image(array[None], Geometry.plain(shape))


def moved(image: Image, way: Callable[[Any], Any]) -> float:
    return shift(Applied(way=way), image, ROW)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_shift_is_measured(shape: tuple[int, ...], pixels: int) -> None:
    assert moved(head(shape), lambda x: np.roll(x, pixels, -1)) == pixels
    assert moved(head(shape), lambda x: np.clip(np.roll(x, -pixels, 0), -160, 240)) == pixels
    assert moved(head(shape, label=True), lambda x: np.roll(x, pixels, -1)) == pixels
    assert moved(head(shape), lambda x: ndimage.gaussian_filter(np.roll(x, (pixels, pixels), (-1, -2)), 0.7)) > 1


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_a_turn_by_a_few_degrees_is_found(shape: tuple[int, ...]) -> None:
    turned = moved(head(shape), lambda x: ndimage.rotate(x, 5, (-1, -2), reshape=False, order=1, mode="nearest"))
    assert 1 < turned < np.deg2rad(5) * np.hypot(*shape[-2:]) / 2


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_step_that_works_in_place_is_not_blamed(name: str) -> None:
    for shape in [*SHAPES, (20, 20), (6, 40, 40), (9, 8, 7)]:
        assert moved(head(shape), IN_PLACE[name]) == 0, shape


def test_no_step_of_ours_is_blamed() -> None:
    tried = 0
    for name, cls in registry.every("processor").items():
        for image in (head((64, 48)), head((20, 64, 60)), head((64, 48), label=True)):
            try:
                step = cls()
                step(image, ROW)
            except Exception:  # noqa: BLE001, S112 it reads the table, or needs arguments
                continue
            tried += 1
            assert shift(step, image, ROW) == 0, name
    assert tried >= 15


def test_where_it_cannot_be_told_nobody_is_blamed() -> None:
    flat = Image(np.ones((1, 30, 30), np.float32), Geometry.plain((30, 30)))
    assert moved(flat, lambda x: np.roll(x, 2, 0)) == 0
    assert moved(head((64, 48)), lambda x: 1 / 0) == 0


def test_the_round_trip_names_the_step(tmp_path: Path) -> None:
    image = Image(
        head((20, 64, 60)).array, Geometry((60, 64, 20), (1.0,) * 3, (5.0, 6.0, 7.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    )
    found = trips(tmp_path, image, mask(image.geometry), Applied(way=IN_PLACE["window"]))
    assert found[KEY].ok
    found = trips(tmp_path, image, mask(image.geometry), Applied(way=lambda x: np.roll(x, 2, -1)))
    assert found[KEY].reason == "Applied moves pixels by about 2 and leaves the grid as it was"
    assert found[MASK].ok
