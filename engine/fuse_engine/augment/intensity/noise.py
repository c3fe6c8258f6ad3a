"""Augmentations that add noise, which depends on a drawn seed and a pixel's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels import values as kernel
from fuse_engine.core.distribution import Distribution, constant, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


def placed(fill: Callable[..., None], channels: int, shape: tuple[int, ...], part: Part, seed: int) -> Pixels:
    """Return what a kernel by place fills (channel, [z,] y, x) of a part with; `shape` is that of the part."""
    front = [1] * (3 - part.dims)
    found = np.empty((channels, *front, *shape), np.float32)
    fill(found, *_where(part), seed)
    return found.reshape(channels, *shape)


def _where(part: Part) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (channel, z, y, x) of a part's first voxel, and the shape of the whole as (z, y, x)."""
    front = [1] * (3 - part.dims)
    start = np.array([0, *[0] * len(front), *part.offset], np.int64)
    return start, np.array([*front, *part.shape], np.int64)


class _Noise(Intensity):
    """Noise of a drawn strength; 0 changes nothing."""

    std: Distribution = Field(uniform(0.0, 0.03), ge=0)
    """Standard deviation, in the image's units."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the strength and the seed of the noise."""
        return {"std": chance.number(self.std), "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no noise."""
        return {"std": 0.0, "seed": 0}


@register
class GaussianNoise(_Noise):
    """Adds normal noise, independent in every pixel."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        noise = placed(kernel.normal, len(image), image.shape[1:], part, params["seed"])
        noise *= np.float32(params["std"])
        noise += image
        return noise


@register
class SpeckleNoise(_Noise):
    """Adds normal noise in proportion to the value, independent in every pixel, as in ultrasound."""

    std: Distribution = Field(uniform(0.0, 0.1), ge=0)
    """Standard deviation as a share of the value."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        noise = placed(kernel.normal, len(image), image.shape[1:], part, params["seed"])
        noise *= np.float32(params["std"])
        noise *= image
        noise += image
        return noise


@register
class RicianNoise(_Noise):
    """Adds the noise of MR magnitude images: the length of a value with normal noise in two directions.

    Magnitudes begin at 0; in an image that goes below, its smallest value stands for 0 (H. Gudbjartsson and
    S. Patz, Magn Reson Med 34, 1995).
    """

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return what stands for no signal."""
        return {"zero": min(float(image.min()), 0.0)}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        zero = np.float32(known["zero"])
        noise = placed(kernel.normal, 2 * len(image), image.shape[1:], part, params["seed"])
        noise *= np.float32(params["std"])
        along, across = noise[: len(image)], noise[len(image) :]
        along += image - zero
        along *= along
        across *= across
        along += across
        np.sqrt(along, out=along)
        along += zero
        return along


@register
class PoissonNoise(Intensity):
    """Counts every pixel as photons are counted: the fewer there are, the noisier the image.

    The smallest value of the image stands for no photons.
    """

    counts: Distribution = Field(Distribution("log_uniform", (100.0, 10000.0)), gt=0)
    """Photons at the largest value of the image; the noise there is its square root."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the number of photons and the seed of the noise."""
        return {"counts": chance.number(self.counts), "seed": chance.seed()}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the range."""
        return {"low": float(image.min()), "high": float(image.max())}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the counts, in the image's units."""
        low, width = known["low"], known["high"] - known["low"]
        if width == 0:
            return image.copy()
        scale = np.float32(params["counts"] / width)
        rates = np.ascontiguousarray(np.maximum((image - np.float32(low)) * scale, np.float32(0)))
        volumes = rates.reshape(len(image), *[1] * (3 - part.dims), *image.shape[1:])
        found = np.empty_like(volumes)
        kernel.poisson(volumes, found, *_where(part), params["seed"])
        found /= scale
        found += np.float32(low)
        return np.asarray(found.reshape(image.shape))


class _Elementwise(Intensity):
    """Draws a number for every pixel, evenly around the one that does nothing; a reach of 0 changes nothing."""

    reach: Distribution = Field(uniform(0.0, 0.05), ge=0)
    """How far the numbers go to either side."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the reach and the seed of the noise."""
        return {"reach": chance.number(self.reach), "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no reach."""
        return {"reach": 0.0, "seed": 0}


@register
class AddElementwise(_Elementwise):
    """Adds a number to every pixel, evenly drawn for each."""

    reach: Distribution = Field(uniform(0.0, 0.05), ge=0)
    """The largest number that is added or taken away, in the image's units."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        added = _spread(image, params, part)
        added += image
        return added


@register
class MultiplyElementwise(_Elementwise):
    """Multiplies every pixel by a number around 1, evenly drawn for each."""

    reach: Distribution = Field(uniform(0.0, 0.05), ge=0)
    """How far the factors go from 1, to both sides."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the noisy image."""
        factors = _spread(image, params, part)
        factors += np.float32(1)
        factors *= image
        return factors


@register
class SaltAndPepper(Intensity):
    """Sets single pixels to the largest or the smallest value of the image, in all channels at once."""

    amount: Distribution = Field(uniform(0.0, 0.01), ge=0, le=1)
    """Share of the pixels that are set, from 0 to 1."""
    salt: Distribution = Field(constant(0.5), ge=0, le=1)
    """Share of them that are set to the largest value."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the shares and the seed of the noise."""
        return {"amount": chance.number(self.amount), "salt": chance.number(self.salt), "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no pixels."""
        return {"amount": 0.0, "salt": 0.5, "seed": 0}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the range."""
        return {"low": float(image.min()), "high": float(image.max())}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image with white and black pixels."""
        even = placed(kernel.even, 1, image.shape[1:], part, params["seed"])
        found = np.where(even < np.float32(params["amount"]), np.float32(known["low"]), image)
        white = even < np.float32(params["amount"] * params["salt"])
        return np.where(white, np.float32(known["high"]), found)


def _spread(image: Pixels, params: Params, part: Part) -> Pixels:
    """Return even numbers by place from minus `reach` to `reach`."""
    even = placed(kernel.even, len(image), image.shape[1:], part, params["seed"])
    even -= np.float32(0.5)
    even *= np.float32(2 * params["reach"])
    return even
