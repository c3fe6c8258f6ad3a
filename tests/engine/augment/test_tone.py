from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from fuse_engine.augment import Brightness, Clip, Contrast, Gamma, HistogramShift, Invert, Multiply, WindowJitter
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.kernels.values import exponential
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]
GRID = Geometry.plain((40, 50))


def picture(*shape: int) -> NDArray[np.float32]:
    return np.asarray(stream("picture").normal(2, 3, shape).astype(np.float32))


@pytest.mark.parametrize("gamma", [0.1, 0.7, 1.5, 4.0])
def test_gamma_is_the_power_of_the_share_of_the_range(gamma: float) -> None:
    image = picture(2, 9, 30, 41)
    low, width = float(image.min()), float(np.ptp(image))
    expected = ((image.astype(float) - low) / width) ** gamma * width + low
    bent = Gamma(keys=KEYS).apply(image, {"gamma": gamma})
    assert np.allclose(bent, expected, atol=1e-6 * width)
    assert (bent.min(), bent.max()) == pytest.approx((image.min(), image.max()), abs=1e-6 * width)


def test_the_exponential_agrees_with_numpy() -> None:
    values = np.linspace(-86, 87, 5000, dtype=np.float32)
    found = values.copy()
    exponential(found, np.empty(len(found), np.int32))
    assert np.allclose(found, np.exp(values.astype(float)), rtol=3e-7)


def test_a_histogram_shift_follows_its_points_and_never_turns_back() -> None:
    step, image = HistogramShift(keys=KEYS), picture(1, 40, 50)
    heights = step.sample(Chance(5), GRID)["heights"]
    assert len(heights) == 10
    assert heights == sorted(heights)
    low, high = float(image.min()), float(image.max())
    places, levels = np.linspace(low, high, 10), low + (high - low) * np.array(heights)
    assert np.allclose(step.apply(image, {"heights": heights}), np.interp(image, places, levels), atol=1e-5)
    for extreme in (Extreme(True), Extreme(False)):
        ends = step.sample(extreme, GRID)["heights"]
        assert ends == sorted(ends)


def test_what_is_inverted_twice_is_as_before() -> None:
    step, image = Invert(keys=KEYS), picture(3, 40, 50)
    once = step.apply(image, {})
    assert (once.min(), once.max()) == pytest.approx((image.min(), image.max()))
    assert np.unravel_index(once.argmax(), once.shape) == np.unravel_index(image.argmin(), image.shape)
    assert np.allclose(step.apply(once, {}), image, atol=1e-5)


def test_multiply_multiplies_and_clip_clips() -> None:
    image = np.array([[[-1.0, 0.0, 0.5, 2.0]]], np.float32)
    assert Multiply(keys=KEYS).apply(image, {"factor": 1.5}).flatten().tolist() == [-1.5, 0, 0.75, 3]
    assert Clip(keys=KEYS).apply(image, {"low": -0.5, "high": 1.0}).flatten().tolist() == [-0.5, 0, 0.5, 1]
    with pytest.raises(ValidationError, match="expected `low` below `high`, got `low` up to 2 and `high` from 1"):
        Clip(keys=KEYS, low=(0, 2))


def test_a_ct_seen_through_another_window() -> None:
    # soft tissue, level 50 and width 400; seen through level 90 and width 200, from -10 to 190 HU
    image = np.array([[[-1000.0, -10.0, 40.0, 90.0, 140.0, 190.0, 1500.0]]], np.float32)
    step = WindowJitter(keys=KEYS, window=(-150, 250))
    seen = step.apply(image, {"level": 0.1, "width": 0.5})
    assert seen.flatten().tolist() == pytest.approx([-150, -150, -50, 50, 150, 250, 250])
    with pytest.raises(ValidationError, match="window: expected the smaller number first"):
        WindowJitter(keys=KEYS, window=(1, 0))


def test_without_a_window_the_image_itself_says_what_its_range_is() -> None:
    image = np.array([[[0.0, 0.25, 0.5, 1.0]]], np.float32)
    seen = WindowJitter(keys=KEYS).apply(image, {"level": -0.1, "width": 2.0})
    assert seen.flatten().tolist() == pytest.approx([0.3, 0.425, 0.55, 0.8])


def test_contrast_goes_channel_by_channel() -> None:
    image = np.stack([picture(8, 8), picture(8, 8) + 100])
    flat = Contrast(keys=KEYS).apply(image, {"factor": 0.0})
    assert np.allclose(flat, image.mean((1, 2), keepdims=True), atol=1e-5)


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
