from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.augment import Affine, Blur, Brightness, Contrast, Flip, Gamma, GaussianNoise, Operation
from fuse_engine.augment.chance import Chance
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]
EVERY: list[Operation] = [
    Affine(keys=KEYS, rotate=(10, 20)), Blur(keys=KEYS, sigma=(0.5, 2)), Brightness(keys=KEYS),
    Contrast(keys=KEYS), Flip(keys=KEYS, each=1), Gamma(keys=KEYS), GaussianNoise(keys=KEYS, std=(0.1, 0.2)),
]  # fmt: skip


def picture(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("picture").normal(2, 3, shape).astype(np.float32))


def test_gamma_bends_between_the_ends() -> None:
    image = np.array([[[-1.0, 0.0, 1.0, 3.0]]], np.float32)
    bent = Gamma(keys=KEYS).apply(image, {"gamma": 2.0})
    assert bent.flatten().tolist() == pytest.approx([-1.0, -0.75, 0.0, 3.0])


def test_gamma_leaves_a_flat_image_alone() -> None:
    flat = np.full((1, 3, 3), 7.0, np.float32)
    assert np.array_equal(Gamma(keys=KEYS).apply(flat, {"gamma": 0.5}), flat)


def test_contrast_keeps_the_mean_and_scales_the_spread() -> None:
    image = picture(2, 20, 20)
    changed = Contrast(keys=KEYS).apply(image, {"factor": 1.5})
    assert np.allclose(changed.mean((1, 2)), image.mean((1, 2)), atol=1e-5)
    assert np.allclose(changed.std((1, 2)), 1.5 * image.std((1, 2)), rtol=1e-5)


def test_brightness_adds() -> None:
    image = picture(1, 4, 4)
    assert np.array_equal(Brightness(keys=KEYS).apply(image, {"shift": 0.25}), image + np.float32(0.25))


def test_noise_has_its_strength_and_can_be_replayed() -> None:
    step, image = GaussianNoise(keys=KEYS, std=(0.2, 0.2)), np.zeros((1, 200, 200), np.float32)
    params = step.sample(Chance(3), Geometry.plain((200, 200)))
    noise = step.apply(image, params)
    assert float(noise.std()) == pytest.approx(0.2, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.005)
    assert np.array_equal(step.apply(image, params), noise)
    assert not np.array_equal(step.apply(image, {**params, "seed": params["seed"] + 1}), noise)


@pytest.mark.parametrize("shape", [(1, 21, 17), (2, 9, 12, 11)])
def test_blur_agrees_with_scipy(shape: tuple[int, ...]) -> None:
    image, sigma = picture(*shape), 1.3
    blurred = Blur(keys=KEYS).apply(image, {"sigma": sigma})
    for channel in range(shape[0]):
        expected = ndimage.gaussian_filter(image[channel], sigma, mode="nearest", radius=6)
        assert np.allclose(blurred[channel], expected, atol=1e-5)


@pytest.mark.parametrize("step", [step for step in EVERY if step.name() not in ("Affine", "Flip")])
def test_values_of_a_label_map_are_never_changed(step: Operation) -> None:
    labels = np.asarray(stream("labels").integers(0, 4, (1, 9, 9)))
    assert np.array_equal(step.apply(labels, step.sample(Chance(1), Geometry.plain((9, 9)))), labels)


def test_draws_stay_in_their_range() -> None:
    step = Affine(keys=KEYS, rotate=(-5, 10), scale=(0.5, 0.75), translate=(0.1, 0.2), shear=(1, 1))
    drawn = [step.sample(Chance(seed), Geometry.plain((4, 5, 6))) for seed in range(200)]
    turns = np.array([params["rotate"] for params in drawn])
    assert turns.shape == (200, 3)
    assert -5 <= turns.min() < -4.5 < 9.5 < turns.max() <= 10
    assert all(0.5 <= params["scale"][0] <= 0.75 and params["shear"] == [1, 1, 1] for params in drawn)
    assert all(0.1 <= share <= 0.2 for params in drawn for share in params["translate"])
