"""Augmentations that cut the grey scale off at both ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.core.distribution import Distribution, constant, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
_LARGEST = float(np.finfo(np.float32).max)


@register
class WindowJitter(Intensity):
    """Moves and stretches the window through which a CT or MR image is seen, and clips what is outside of it.

    The new window is mapped to where the old one was, so that an image in a window stays in it.
    """

    window: tuple[float, float] | None = None
    """The window as it is, first and last value in the image's units; the image's own range where empty."""
    level: Distribution = uniform(-0.1, 0.1)
    """How far the centre moves, as a share of the window's width."""
    width: Distribution = Field(uniform(0.8, 1.2), gt=0)
    """Factor of the width; above 1 lowers the contrast."""

    @model_validator(mode="after")
    def _rising(self) -> WindowJitter:
        if self.window and self.window[0] >= self.window[1]:
            raise ValueError("window: expected the smaller number first")
        return self

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the move and the factor."""
        return {"level": chance.number(self.level), "width": chance.number(self.width)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the window as it is."""
        return {"level": 0.0, "width": 1.0}

    def measure(self, image: Pixels) -> Mapping[str, Any]:
        """Return the window."""
        low, high = self.window or (float(image.min()), float(image.max()))
        return {"low": low, "high": high}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image through the new window."""
        low, high, factor = known["low"], known["high"], params["width"]
        centre = (low + high) / 2
        start = centre + params["level"] * (high - low)
        found: Pixels = image - np.float32(start)
        found *= np.float32(1 / factor)
        found += np.float32(centre)
        return np.clip(found, np.float32(low), np.float32(high), out=found)


@register
class Clip(Intensity):
    """Sets values below or above a limit to that limit."""

    low: Distribution = constant(0.0)
    """Smallest value, in the image's units."""
    high: Distribution = constant(1.0)
    """Largest value, in the image's units."""

    @model_validator(mode="after")
    def _in_order(self) -> Clip:
        if self.low.high > self.high.low:
            low, high = self.low.high, self.high.low
            raise ValueError(f"expected `low` below `high`, got `low` up to {low:g} and `high` from {high:g}")
        return self

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the limits."""
        return {"low": chance.number(self.low), "high": chance.number(self.high)}

    def neutral(self, grid: Geometry) -> Params:
        """Return limits that no value passes."""
        return {"low": -_LARGEST, "high": _LARGEST}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the clipped image."""
        return np.clip(image, np.float32(params["low"]), np.float32(params["high"]))
