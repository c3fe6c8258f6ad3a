from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from fuse_engine.augment import Affine, Augmentation, Blur, Brightness, Contrast, Flip, Gamma, GaussianNoise
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream

KEYS = ["data.input.image"]
EVERY: list[Augmentation] = [
    Affine(keys=KEYS, rotate=(10, 20)), Blur(keys=KEYS, sigma=(0.5, 2)), Brightness(keys=KEYS),
    Contrast(keys=KEYS), Flip(keys=KEYS, each=1), Gamma(keys=KEYS), GaussianNoise(keys=KEYS, std=(0.1, 0.2)),
]  # fmt: skip


def picture(*shape: int) -> torch.Tensor:
    return torch.from_numpy(stream("picture").normal(2, 3, shape).astype(np.float32))


def test_gamma_bends_between_the_ends() -> None:
    image = torch.tensor([[[-1.0, 0.0, 1.0, 3.0]]])
    bent = Gamma(keys=KEYS).apply(image, {"gamma": 2.0}, label=False)
    assert bent.flatten().tolist() == pytest.approx([-1.0, -0.75, 0.0, 3.0])


def test_gamma_leaves_a_flat_image_alone() -> None:
    flat = torch.full((1, 3, 3), 7.0)
    assert torch.equal(Gamma(keys=KEYS).apply(flat, {"gamma": 0.5}, label=False), flat)


def test_contrast_keeps_the_mean_and_scales_the_spread() -> None:
    image = picture(2, 20, 20)
    changed = Contrast(keys=KEYS).apply(image, {"factor": 1.5}, label=False)
    assert torch.allclose(changed.mean((1, 2)), image.mean((1, 2)), atol=1e-5)
    assert torch.allclose(changed.std((1, 2)), 1.5 * image.std((1, 2)), rtol=1e-5)


def test_brightness_adds() -> None:
    image = picture(1, 4, 4)
    assert torch.equal(Brightness(keys=KEYS).apply(image, {"shift": 0.25}, label=False), image + 0.25)


def test_noise_has_its_strength_and_can_be_replayed() -> None:
    step, image = GaussianNoise(keys=KEYS, std=(0.2, 0.2)), torch.zeros(1, 200, 200)
    params = step.sample(stream(3), Geometry.plain((200, 200)))
    noise = step.apply(image, params, label=False)
    assert float(noise.std()) == pytest.approx(0.2, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.005)
    assert torch.equal(step.apply(image, params, label=False), noise)
    assert not torch.equal(step.apply(image, {**params, "seed": params["seed"] + 1}, label=False), noise)


@pytest.mark.parametrize("shape", [(1, 21, 17), (2, 9, 12, 11)])
def test_blur_agrees_with_scipy(shape: tuple[int, ...]) -> None:
    image, sigma = picture(*shape), 1.3
    blurred = Blur(keys=KEYS).apply(image, {"sigma": sigma}, label=False)
    for channel in range(shape[0]):
        expected = ndimage.gaussian_filter(image[channel].numpy(), sigma, mode="nearest", radius=6)
        assert np.allclose(blurred[channel], expected, atol=1e-5)


@pytest.mark.parametrize("step", EVERY, ids=lambda step: step.name())
def test_the_number_of_threads_changes_no_bit(step: Augmentation) -> None:
    image = picture(1, 333, 347)
    params, threads, found = step.sample(stream(2), Geometry.plain((333, 347))), torch.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found.append(step.apply(image, params, label=False))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("step", [step for step in EVERY if step.name() not in ("Affine", "Flip")])
def test_values_of_a_label_map_are_never_changed(step: Augmentation) -> None:
    labels = torch.from_numpy(stream("labels").integers(0, 4, (1, 9, 9)))
    assert torch.equal(step.apply(labels, step.sample(stream(1), Geometry.plain((9, 9))), label=True), labels)


def test_draws_stay_in_their_range() -> None:
    step = Affine(keys=KEYS, rotate=(-5, 10), scale=(0.5, 0.75), translate=(0.1, 0.2), shear=(1, 1))
    drawn = [step.sample(stream(seed), Geometry.plain((4, 5, 6))) for seed in range(200)]
    turns = np.array([params["rotate"] for params in drawn])
    assert turns.shape == (200, 3)
    assert -5 <= turns.min() < -4.5 < 9.5 < turns.max() <= 10
    assert all(0.5 <= params["scale"] <= 0.75 and params["shear"] == [1, 1, 1] for params in drawn)
    assert all(0.1 <= share <= 0.2 for params in drawn for share in params["translate"])
