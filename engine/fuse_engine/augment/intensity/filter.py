"""Augmentations that mix neighbouring pixels."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, exp
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels import filter as kernel
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
_REACH = 4
"""Standard deviations after which the bell curve is cut off."""


@register
class Blur(Intensity):
    """Blurs by a bell curve; the edge pixels go on outside."""

    sigma: Distribution = Field(uniform(0.0, 1.0), ge=0)
    """Standard deviation of the bell curve, in pixels."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the width."""
        return {"sigma": chance.number(self.sigma)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no width."""
        return {"sigma": 0.0}

    def margin(self, params: Params) -> int:
        """Return how far the bell curve reaches."""
        return ceil(_REACH * float(params["sigma"]))

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the blurred image."""
        return blurred(image, params["sigma"])


def blurred(image: Pixels, sigma: float) -> Pixels:
    """Return an image (channel, [z,] y, x) blurred by a bell curve of `sigma` pixels."""
    radius = ceil(_REACH * sigma)
    if radius == 0:
        return image.copy()
    bell = np.array([exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)])
    weights = (bell / (2 * bell.sum() - 1)).astype(np.float32)
    found = np.ascontiguousarray(image)
    size = image.shape[-1]
    out, spare = np.empty_like(found), np.empty_like(found)
    kernel.along_rows(found.reshape(-1, size), out.reshape(-1, size), weights)
    for axis in range(image.ndim - 2, 0, -1):
        blocks = (-1, image.shape[axis], int(np.prod(image.shape[axis + 1 :])))
        kernel.across_rows(out.reshape(blocks), spare.reshape(blocks), weights)
        out, spare = spare, out
    return out
