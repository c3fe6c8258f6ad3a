"""Augmentations that mix neighbouring pixels; the edge pixels go on outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, exp
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels import filter as kernel
from fuse_engine.augment.kernels.median import median
from fuse_engine.core.distribution import Distribution, PerAxis, constant, every_axis, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
Unit = Literal["pixels", "mm"]
_REACH = 4
"""Standard deviations after which the bell curve is cut off."""


@register
class Blur(Intensity):
    """Blurs by a bell curve."""

    sigma: PerAxis = Field(every_axis(uniform(0.0, 1.0)), ge=0, le=100)
    """Standard deviation of the bell curve, to 100. One distribution is drawn once for all axes."""
    unit: Unit = "pixels"
    """Unit of `sigma`."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the widths along [z,] y, x, in pixels."""
        return {"sigma": widths(self.sigma, self.unit, chance, grid)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no width."""
        return {"sigma": [0.0] * grid.dims}

    def margin(self, params: Params) -> int:
        """Return how far the bell curve reaches."""
        return _reach(max(params["sigma"]))

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the blurred image."""
        return blurred(image, params["sigma"])


class _Around(Intensity):
    """Looks at a square or cube around every pixel."""

    size: Distribution = Field(constant(3), ge=1, le=99)
    """Edge of the square or cube in pixels, to 99; rounded to an odd number."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the edge."""
        return {"size": odd(chance.number(self.size))}

    def neutral(self, grid: Geometry) -> Params:
        """Return a square of one pixel."""
        return {"size": 1}

    def margin(self, params: Params) -> int:
        """Return how far the square reaches."""
        return int(params["size"]) // 2


@register
class AverageBlur(_Around):
    """Replaces every pixel by the mean of a square or cube around it."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the means."""
        size = params["size"]
        return weighted(image, [np.full(size // 2 + 1, 1 / size, np.float32)] * part.dims)


@register
class MedianBlur(_Around):
    """Replaces every pixel by the median of a square or cube around it."""

    size: Distribution = Field(constant(3), ge=1, le=9)
    """Edge of the square or cube in pixels, to 9; rounded to an odd number."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the medians."""
        radius = params["size"] // 2
        if radius == 0:
            return image.copy()
        deep = radius if part.dims == 3 else 0
        front = [1] * (3 - part.dims)
        volumes = np.ascontiguousarray(image, np.float32).reshape(len(image), *front, *image.shape[1:])
        wide = np.pad(volumes, [(0, 0), (deep, deep), (radius, radius), (radius, radius)], mode="edge")
        found = np.empty(volumes.shape, np.float32)
        median(wide, found, deep, radius)
        return found.reshape(image.shape)


@register
class Sharpen(Intensity):
    """Adds what a blur takes away (unsharp mask)."""

    amount: Distribution = Field(uniform(0.0, 1.0), ge=0)
    """How many times the difference to the blurred image is added."""
    sigma: PerAxis = Field(every_axis(constant(1.0)), ge=0, le=100)
    """Standard deviation of the blur, to 100. One distribution is drawn once for all axes."""
    unit: Unit = "pixels"
    """Unit of `sigma`."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the strength, and the widths along [z,] y, x, in pixels."""
        return {"amount": chance.number(self.amount), "sigma": widths(self.sigma, self.unit, chance, grid)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no strength."""
        return {"amount": 0.0, "sigma": [1.0] * grid.dims}

    def margin(self, params: Params) -> int:
        """Return how far the blur reaches."""
        return _reach(max(params["sigma"]))

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the sharpened image."""
        found = blurred(image, params["sigma"])
        np.subtract(image, found, out=found)
        found *= np.float32(params["amount"])
        found += image
        return found


def odd(size: float) -> int:
    """Return the odd whole number next to a size."""
    return 2 * round((size - 1) / 2) + 1


def widths(sigma: PerAxis, unit: Unit, chance: Chance, grid: Geometry) -> list[float]:
    """Draw standard deviations along [z,] y, x, in pixels of a grid.

    Raises:
        ValueError: for an axis without a distribution.
    """
    drawn = zip(chance.once(sigma, grid.dims), reversed(grid.spacing), strict=True)
    return [width / (step if unit == "mm" else 1.0) for width, step in drawn]


def blurred(image: Pixels, sigma: Sequence[float]) -> Pixels:
    """Return an image (channel, [z,] y, x) blurred by bell curves of `sigma` pixels along [z,] y, x."""
    if not any(sigma):
        return image.copy()
    return weighted(image, [_bell(width) for width in sigma])


def weighted(image: Pixels, weights: Sequence[NDArray[np.float32]]) -> Pixels:
    """Return the weighted sums along [z,] y, x; each has the weights of the middle and of one side."""
    front = [1] * (4 - image.ndim)
    volumes = np.ascontiguousarray(image, np.float32).reshape(len(image), *front, *image.shape[1:])
    found = np.empty_like(volumes)
    kernel.weighted(volumes, found, *[np.ones(1, np.float32)] * len(front), *weights)
    return found.reshape(image.shape)


def _reach(sigma: float) -> int:
    return ceil(_REACH * sigma)


def _bell(sigma: float) -> NDArray[np.float32]:
    bell = np.array([exp(-0.5 * (step / sigma) ** 2) if step else 1.0 for step in range(_reach(sigma) + 1)])
    return np.asarray(bell / (2 * bell.sum() - 1), np.float32)
