"""Augmentations of the grey scale: every pixel by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


@register
class Gamma(Intensity):
    """Bends the grey scale: takes a power of the values, scaled to the image's own range."""

    gamma: Distribution = Field(uniform(0.8, 1.25), gt=0)
    """Exponent; above 1 darkens the middle of the range, below 1 brightens it."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the exponent."""
        return {"gamma": chance.number(self.gamma)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the first power."""
        return {"gamma": 1.0}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the range."""
        return {"low": float(image.min()), "high": float(image.max())}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the bent image, smallest and largest value unchanged."""
        low, width = known["low"], known["high"] - known["low"]
        if width == 0:
            return image.copy()
        share = np.clip((image - np.float32(low)) / np.float32(width), 0, 1)
        bent: Pixels = np.power(share, np.float32(params["gamma"]))
        bent *= np.float32(width)
        bent += np.float32(low)
        return np.clip(bent, np.float32(low), np.float32(known["high"]), out=bent)


@register
class Contrast(Intensity):
    """Stretches or squeezes the values around their mean, channel by channel."""

    factor: Distribution = Field(uniform(0.85, 1.15), ge=0)
    """Factor of the distance from the mean; 1 changes nothing."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the factor."""
        return {"factor": chance.number(self.factor)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the factor 1."""
        return {"factor": 1.0}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the mean of each channel."""
        return {"mean": image.reshape(len(image), -1).mean(1, dtype=np.float64).tolist()}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the stretched image, of the same mean."""
        mean = np.array(known["mean"], np.float32).reshape(-1, *[1] * part.dims)
        stretched: Pixels = (image - mean) * np.float32(params["factor"]) + mean
        return stretched


@register
class Brightness(Intensity):
    """Adds one number to all values."""

    shift: Distribution = uniform(-0.06, 0.06)
    """What is added, in the image's units."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the number."""
        return {"shift": chance.number(self.shift)}

    def neutral(self, grid: Geometry) -> Params:
        """Return 0."""
        return {"shift": 0.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the brighter or darker image."""
        return image + np.float32(params["shift"])
