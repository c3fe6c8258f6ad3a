"""Steps that change the numbers of an image and leave its grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value, intensities
from fuse_engine.data.processors.foreground import measured, read_mask
from fuse_engine.data.processors.loading import column_reads
from fuse_engine.data.source import Row


def rising(pair: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return a range from a low to a higher number.

    Raises:
        ValueError: for any other.
    """
    if pair and pair[0] >= pair[1]:
        raise ValueError(f"expected a low and a higher number, got {list(pair)}")
    return pair


def windowed(array: NDArray[Any], low: float, high: float, to: tuple[float, float]) -> NDArray[np.float32]:
    """Map low..high linearly to a range and clip the rest to its ends."""
    bottom, top = to
    if high > low:
        with np.errstate(over="ignore"):  # far outside a narrow range; clipped anyway
            share = np.clip((array - low) / (high - low), 0, 1)
    else:  # the limit of an ever narrower range; of a mostly empty image its content stays visible
        share = (array > low).astype(np.float32)
    return (bottom + share * (top - bottom)).astype(np.float32)


@register
class IntensityWindow(Processor):
    """Maps a range of intensities to another one and clips the rest; without a range, lowest to highest."""

    percentiles: tuple[float, float] | None = None
    """The range as percentiles of each image, from 0 to 100, over all its channels."""
    window: tuple[float, float] | None = None
    """The range in the image's own unit, e.g. HU."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of the range become."""

    _rising = field_validator("percentiles", "window", "to")(rising)

    @model_validator(mode="after")
    def _one_range(self) -> IntensityWindow:
        if self.percentiles and self.window:
            raise ValueError("expected percentiles or a window, not both")
        if self.percentiles and not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            raise ValueError(f"expected percentiles from 0 to 100, got {list(self.percentiles)}")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the mapped image; a constant one becomes the low end."""
        image = intensities(value, "IntensityWindow")
        low, high = self.window or np.percentile(image.array, self.percentiles or (0, 100)).tolist()
        return Image(windowed(image.array, low, high, self.to), image.geometry)


@register
class ToRange(Processor):
    """Maps a range of intensities to another one and goes on along the same line beyond it: nothing is clipped."""

    window: tuple[float, float] = (0.0, 255.0)
    """The range in the image's own unit, e.g. grey values."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of the range become."""

    _rising = field_validator("window", "to")(rising)

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the mapped image."""
        image = intensities(value, "ToRange")
        (low, high), (bottom, top) = self.window, self.to
        array = bottom + (image.array - low) * ((top - bottom) / (high - low))
        return Image(array.astype(np.float32), image.geometry)


@register
class Clip(Processor):
    """Sets intensities below or above a limit to that limit."""

    low: float | None = 0.0
    """Smallest intensity; not limited where empty."""
    high: float | None = None
    """Largest intensity; not limited where empty."""

    @model_validator(mode="after")
    def _in_order(self) -> Clip:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"expected `low` below `high`, got {self.low:g} and {self.high:g}")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the clipped image."""
        image = intensities(value, "Clip")
        return Image(np.clip(image.array, self.low, self.high), image.geometry)


@register
class Normalize(Processor):
    """Brings each channel to mean 0 and standard deviation 1 (z-score); a constant channel becomes 0."""

    above: float | None = None
    """Mean and deviation are those of the pixels above this intensity; of all where empty."""
    mask: str | None = None
    """Column that names a mask; mean and deviation are those of the pixels where it is not 0."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the normalized image."""
        image = intensities(value, "Normalize")
        mask = read_mask(row, self.mask, image.geometry) if self.mask else None
        array = np.zeros_like(image.array)
        for index, channel in enumerate(image.array):
            counted = measured(channel, mask, self.above)
            deviation = float(counted.std(dtype=np.float64)) if counted.size else 0.0
            if deviation > 0:
                array[index] = (channel - counted.mean(dtype=np.float64)) / deviation
        return Image(array, image.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file of the mask."""
        return column_reads(row, self.mask) if self.mask else {}
