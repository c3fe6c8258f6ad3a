from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from fuse_engine.augment import (
    AddElementwise,
    GaussianNoise,
    MultiplyElementwise,
    PoissonNoise,
    RicianNoise,
    SaltAndPepper,
    SpeckleNoise,
)
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels import values
from fuse_engine.core.geometry import Geometry

KEYS = ["data.input.image"]
SIDE = 400
START, SHAPE = np.zeros(4, np.int64), np.array([1, SIDE, SIDE], np.int64)


def flat(value: float, channels: int = 1) -> NDArray[np.float32]:
    return np.full((channels, SIDE, SIDE), value, np.float32)


def even(seed: int) -> NDArray[np.float32]:
    found = np.empty((2, 1, SIDE, SIDE), np.float32)
    values.even(found, START, SHAPE, seed)
    return found[:, 0]


def test_even_numbers_are_even_and_know_nothing_of_their_neighbours() -> None:
    numbers = even(9876543210123)
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01
    assert 0 < numbers.min() < 1e-4
    assert 1 - 1e-4 < numbers.max() < 1
    one = numbers[0, :-1, :-1]
    for other in (numbers[0, 1:, :-1], numbers[0, :-1, 1:], numbers[1, :-1, :-1], even(2)[0, :-1, :-1]):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("rate", [0.0, 0.3, 4.0, 9.9, 10.1, 40.0, 900.0])
def test_counts_are_poisson(rate: float) -> None:
    counts = np.empty((1, 1, SIDE, SIDE), np.float32)
    values.poisson(np.full_like(counts, rate), counts, START, SHAPE, 4711)
    seen = np.bincount(counts.astype(int).ravel(), minlength=2000) / counts.size
    chances = stats.poisson.pmf(np.arange(len(seen)), rate)
    # what chance alone makes of so many numbers is sqrt(p / (2 pi n)) for each count
    assert np.abs(seen - chances).sum() < 2 * np.sqrt(2 / np.pi * chances / counts.size).sum() + 1e-6
    assert counts.mean() == pytest.approx(rate, abs=5 * np.sqrt(rate / counts.size) + 1e-9)


def test_rare_counts_are_the_quantiles_of_the_even_numbers() -> None:
    rates = np.linspace(0, 9.99, 2 * SIDE * SIDE, dtype=np.float32).reshape(2, 1, SIDE, SIDE)
    counts = np.empty_like(rates)
    values.poisson(rates, counts, START, SHAPE, 77)
    expected = stats.poisson.ppf(even(77).astype(float), rates[:, 0].astype(float)).clip(0)
    assert (counts[:, 0] != expected).mean() < 1e-4


def test_fewer_photons_make_more_noise() -> None:
    image = flat(3.0)
    image[0, 0, :2] = 1.0, 5.0
    spread = [
        float(PoissonNoise(keys=KEYS).apply(image, {"counts": n, "seed": 3})[0, 1:].std()) for n in (50, 5000)
    ]
    # half of the range of 4: n / 2 photons, sqrt(n / 2) of them noise, each worth 4 / n
    assert spread == pytest.approx([np.sqrt(25) * 4 / 50, np.sqrt(2500) * 4 / 5000], rel=0.02)


def test_rician_noise_lifts_what_is_dark() -> None:
    dark, bright = (RicianNoise(keys=KEYS).apply(flat(value), {"std": 0.5, "seed": 1}) for value in (0, 20))
    assert float(dark.mean()) == pytest.approx(0.5 * np.sqrt(np.pi / 2), rel=0.01)
    assert float((bright.astype(float) ** 2).mean()) == pytest.approx(20**2 + 2 * 0.5**2, rel=1e-3)
    assert float(bright.std()) == pytest.approx(0.5, rel=0.02)


def test_rician_noise_of_an_image_below_0_starts_at_its_smallest_value() -> None:
    image = flat(-2.0)
    noisy = RicianNoise(keys=KEYS).apply(image, {"std": 0.1, "seed": 1})
    assert noisy.min() > -2
    assert float(noisy.mean()) == pytest.approx(-2 + 0.1 * np.sqrt(np.pi / 2), abs=0.01)
    assert np.allclose(RicianNoise(keys=KEYS).apply(image, {"std": 0.0, "seed": 1}), image)


def test_speckle_is_in_proportion_to_the_value() -> None:
    spread = [SpeckleNoise(keys=KEYS).apply(flat(v), {"std": 0.1, "seed": 1}).std() for v in (1, 10)]
    assert spread == pytest.approx([0.1, 1.0], rel=0.02)


def test_elementwise_numbers_fill_their_reach_evenly() -> None:
    added = AddElementwise(keys=KEYS).apply(flat(1), {"reach": 0.5, "seed": 8})
    assert stats.kstest(added.ravel(), stats.uniform(0.5, 1).cdf).pvalue > 0.01
    factors = MultiplyElementwise(keys=KEYS).apply(flat(4), {"reach": 0.25, "seed": 8}) / 4
    assert np.allclose(factors, 1 + (added - 1) / 2, atol=1e-6)


def test_salt_and_pepper_are_counted_and_lie_in_all_channels_alike() -> None:
    image = np.stack([flat(1.0)[0], flat(2.0)[0]])
    image[0, 0, :2] = -5.0, 9.0
    peppered = SaltAndPepper(keys=KEYS).apply(image, {"amount": 0.1, "salt": 0.25, "seed": 5})
    assert float((peppered[1] == 9).mean()) == pytest.approx(0.025, rel=0.1)
    assert float((peppered[1] == -5).mean()) == pytest.approx(0.075, rel=0.1)
    assert np.array_equal((peppered[0] == 9)[1:], (peppered[1] == 9)[1:])


def test_noise_has_its_strength_and_can_be_replayed() -> None:
    step, image = GaussianNoise(keys=KEYS, std=(0.2, 0.2)), np.zeros((1, 200, 200), np.float32)
    params = step.sample(Chance(3), Geometry.plain((200, 200)))
    noise = step.apply(image, params)
    assert float(noise.std()) == pytest.approx(0.2, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.005)
    assert np.array_equal(step.apply(image, params), noise)
    assert not np.array_equal(step.apply(image, {**params, "seed": params["seed"] + 1}), noise)
