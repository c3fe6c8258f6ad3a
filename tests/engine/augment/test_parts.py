"""What every intensity operation keeps: a part computed by itself is the same as cut from the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fuse_engine.augment import Intensity
from fuse_engine.augment.base import Applied
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.render import Render
from fuse_engine.core import registry
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEY, MASK = "data.input.image", "data.gt.mask"
ELSEWHERE = ("BackgroundReplacement",)
"""What needs files: see the same test there."""
EVERY = [
    cls for name, cls in registry.every("augmentation").items()
    if issubclass(cls, Intensity) and not cls.whole and name not in ELSEWHERE
]  # fmt: skip
BOXES = {
    2: [(slice(3, 4), slice(0, 20)), (slice(5, 30), slice(7, 13)), (slice(24, 26), slice(18, 20))],
    3: [
        (slice(5, 6), slice(0, 12), slice(0, 11)), (slice(0, 10), slice(0, 1), slice(0, 11)),
        (slice(0, 10), slice(0, 12), slice(10, 11)), (slice(2, 9), slice(3, 8), slice(1, 2)),
    ],
}  # fmt: skip
SHAPES = {2: (30, 20), 3: (10, 12, 11)}


def pictures(dims: int) -> dict[str, NDArray[Any]]:
    rng = stream("parts", dims)
    image = rng.normal(0.5, 0.5, (3, *SHAPES[dims])).astype(np.float32)
    return {KEY: image, MASK: rng.integers(0, 3, (1, *SHAPES[dims]), np.uint8)}


def made(cls: type[Intensity]) -> Intensity:
    return cls.model_validate({"keys": [KEY], **dict.fromkeys(cls.needs, MASK)})


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_a_part_is_the_same_as_cut_from_the_whole(cls: type[Intensity], dims: int) -> None:
    step, images, changed = made(cls), pictures(dims), False
    for seed in range(3):
        drawn = step.sample(Chance(seed), Geometry.plain(SHAPES[dims]))
        steps: list[Any] = [(step, Applied("0", step.name(), drawn))]
        known: dict[str, Any] = {}
        entire = Render(images, steps, known).image(KEY)
        changed |= not np.array_equal(entire, images[KEY])
        for box in BOXES[dims]:
            render, alone = Render(images, steps, known), Render(images, steps)
            assert np.allclose(render.image(KEY, box), entire[(slice(None), *box)], atol=1e-6)
            assert render.exact
            alone.image(KEY, box)
            assert alone.exact == (not known)
    assert changed


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0])
@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_a_flat_image_stays_finite(cls: type[Intensity], value: float) -> None:
    step, images = made(cls), pictures(3)
    images[KEY] = np.full_like(images[KEY], value)
    drawn = step.sample(Chance(1), Geometry.plain(SHAPES[3]))
    found = Render(images, [(step, Applied("0", step.name(), drawn))]).image(KEY)
    assert np.isfinite(found).all()
    assert found.dtype == np.float32


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_values_of_a_label_map_are_never_changed(cls: type[Intensity]) -> None:
    step, images = made(cls), pictures(2)
    drawn = step.sample(Chance(1), Geometry.plain(SHAPES[2]))
    assert np.array_equal(step.apply(images[MASK], drawn), images[MASK])
    both = step.model_copy(update={"keys": [KEY, MASK]})
    render = Render(images, [(both, Applied("0", step.name(), drawn))])
    assert np.array_equal(render.image(MASK), images[MASK])


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_an_image_may_lie_scattered_in_memory(cls: type[Intensity]) -> None:
    step, images = made(cls), pictures(2)
    steps: list[Any] = [(step, Applied("0", step.name(), step.sample(Chance(1), Geometry.plain(SHAPES[2]))))]
    expected = Render(images, steps).image(KEY)
    scattered = np.asfortranarray(images[KEY])
    assert np.allclose(Render({**images, KEY: scattered}, steps).image(KEY), expected, atol=1e-6)
