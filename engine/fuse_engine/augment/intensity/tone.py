"""Augmentations of the grey scale: every pixel by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels.values import curve, power
from fuse_engine.core.distribution import Distribution, constant, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


class _Ranged(Intensity):
    """Changes values within the image's range, which is that of all channels together."""

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the range."""
        return {"low": float(image.min()), "high": float(image.max())}


@register
class Gamma(_Ranged):
    """Bends the grey scale: takes a power of the values, scaled to the image's own range."""

    gamma: Distribution = Field(uniform(0.8, 1.25), gt=0)
    """Exponent; above 1 darkens the middle of the range, below 1 brightens it."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the exponent."""
        return {"gamma": chance.number(self.gamma)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the first power."""
        return {"gamma": 1.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the bent image, smallest and largest value unchanged."""
        low, width = known["low"], known["high"] - known["low"]
        if width == 0:
            return image.copy()
        values = np.ascontiguousarray(image, np.float32).reshape(-1)
        found = np.empty_like(values)
        power(values, found, np.float32(low), np.float32(width), np.float32(params["gamma"]))
        return found.reshape(image.shape)


@register
class HistogramShift(_Ranged):
    """Bends the grey scale along straight lines between drawn points, always upwards.

    As MONAI's `RandHistogramShift`.
    """

    points: Distribution = Field(constant(10), ge=3, le=1000)
    """How many points, to 1000, evenly spaced over the image's own range, the ends included; rounded."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw what becomes of the points, as shares of the range; the ends stay."""
        count = round(chance.number(self.points))
        heights = np.linspace(0, 1, count).tolist()
        for index in range(1, count - 1):
            heights[index] = chance.number(uniform(heights[index - 1], heights[index + 1]))
        return {"heights": heights}

    def neutral(self, grid: Geometry) -> Params:
        """Return points that stay where they are."""
        return {"heights": [0.0, 0.5, 1.0]}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the bent image, smallest and largest value unchanged."""
        low, width = known["low"], known["high"] - known["low"]
        if width == 0:
            return image.copy()
        values = np.ascontiguousarray(image, np.float32).reshape(-1)
        found = np.empty_like(values)
        curve(values, found, np.float32(low), np.float32(width), np.array(params["heights"], np.float32))
        return found.reshape(image.shape)


@register
class Invert(_Ranged):
    """Turns the grey scale around: bright becomes dark, within the image's own range."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw nothing."""
        return {}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the negative."""
        return np.float32(known["low"] + known["high"]) - image


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
        stretched: Pixels = image - mean
        stretched *= np.float32(params["factor"])
        stretched += mean
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


@register
class Multiply(Intensity):
    """Multiplies all values by one number."""

    factor: Distribution = uniform(0.95, 1.05)
    """What the values are multiplied by; 1 changes nothing."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the factor."""
        return {"factor": chance.number(self.factor)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the factor 1."""
        return {"factor": 1.0}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the multiplied image."""
        return image * np.float32(params["factor"])
