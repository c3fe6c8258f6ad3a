"""Augmentations that add noise, which depends on a drawn seed and a pixel's place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels import noise as kernel
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


def normal(channels: int, shape: tuple[int, ...], part: Part, seed: int) -> Pixels:
    """Return normal noise (channel, [z,] y, x) of a part of an image; `shape` is that of the part."""
    front = [1] * (3 - part.dims)
    found = np.empty((channels, *front, *shape), np.float32)
    start = np.array([0, *[0] * len(front), *part.offset], np.int64)
    kernel.normal(found, start, np.array([*front, *part.shape], np.int64), seed)
    return found.reshape(channels, *shape)


@register
class GaussianNoise(Intensity):
    """Adds normal noise, independent in every pixel."""

    std: Distribution = Field(uniform(0.0, 0.03), ge=0)
    """Standard deviation, in the image's units."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the strength and the seed of the noise."""
        return {"std": chance.number(self.std), "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no noise."""
        return {"std": 0.0, "seed": 0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        noise = normal(len(image), image.shape[1:], part, params["seed"])
        noise *= np.float32(params["std"])
        noise += image
        return noise
