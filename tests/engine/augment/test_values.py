from __future__ import annotations

import numpy as np

from fuse_engine.augment import Affine
from fuse_engine.augment.chance import Chance
from fuse_engine.core.geometry import Geometry

KEYS = ["data.input.image"]


def test_draws_stay_in_their_range() -> None:
    step = Affine(keys=KEYS, rotate=(-5, 10), scale=(0.5, 0.75), translate=(0.1, 0.2), shear=(1, 1))
    drawn = [step.sample(Chance(seed), Geometry.plain((4, 5, 6))) for seed in range(200)]
    turns = np.array([params["rotate"] for params in drawn])
    assert turns.shape == (200, 3)
    assert -5 <= turns.min() < -4.5 < 9.5 < turns.max() <= 10
    assert all(0.5 <= params["scale"][0] <= 0.75 and params["shear"] == [1, 1, 1] for params in drawn)
    assert all(0.1 <= share <= 0.2 for params in drawn for share in params["translate"])
