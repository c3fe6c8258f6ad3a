"""Augmentations that change values and leave label maps alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fuse_engine.augment.base import Augmentation, NonNegativeRange, Params, PositiveRange, Range, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register


@register
class Gamma(Augmentation):
    """Bends the grey scale: takes a power of the values, scaled to the image's own range."""

    gamma: PositiveRange = (0.8, 1.25)
    """Exponent; above 1 darkens the middle of the range, below 1 brightens it."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the exponent."""
        return {"gamma": uniform(rng, self.gamma)}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the bent image, smallest and largest value unchanged."""
        low, high = (float(value) for value in torch.aminmax(image))
        if label or low == high:
            return image.clone()
        share = ((image - low) / (high - low)).clamp_(0, 1)
        # torch's power differs in the last bit with the number of threads, numpy's does not
        bent = torch.from_numpy(np.power(share.numpy(), np.float32(params["gamma"])))
        return (bent * (high - low) + low).clamp_(low, high)


@register
class Contrast(Augmentation):
    """Stretches or squeezes the values around their mean, channel by channel."""

    factor: NonNegativeRange = (0.85, 1.15)
    """Factor of the distance from the mean; 1 changes nothing."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the factor."""
        return {"factor": uniform(rng, self.factor)}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the stretched image, of the same mean."""
        if label:
            return image.clone()
        means = torch.from_numpy(image.flatten(1).numpy().mean(1, dtype=np.float64).astype(np.float32))
        mean = means.view(-1, *[1] * (image.ndim - 1))
        stretched: Tensor = (image - mean) * params["factor"] + mean
        return stretched


@register
class Brightness(Augmentation):
    """Adds one number to all values."""

    shift: Range = (-0.06, 0.06)
    """What is added, in the image's units."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the number."""
        return {"shift": uniform(rng, self.shift)}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the brighter or darker image."""
        return image.clone() if label else image + params["shift"]


@register
class GaussianNoise(Augmentation):
    """Adds normal noise, independent in every pixel."""

    std: NonNegativeRange = (0.0, 0.03)
    """Standard deviation, in the image's units."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the strength and the seed of the noise."""
        return {"std": uniform(rng, self.std), "seed": int(rng.integers(2**53))}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the noisy image."""
        if label:
            return image.clone()
        rng = np.random.Generator(np.random.Philox(key=params["seed"]))
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        return image + noise.mul_(params["std"])
