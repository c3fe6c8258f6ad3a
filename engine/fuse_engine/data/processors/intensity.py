"""Steps that change the numbers of an image and leave its grid."""

from __future__ import annotations

import numpy as np
from pydantic import model_validator

from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value, intensities
from fuse_engine.data.source import Row


@register
class IntensityWindow(Processor):
    """Maps a range of intensities to another one and clips the rest; without a range, lowest to highest."""

    percentiles: tuple[float, float] | None = None
    """The range as percentiles of each image, from 0 to 100."""
    window: tuple[float, float] | None = None
    """The range in the image's own unit, e.g. HU."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of the range become."""

    @model_validator(mode="after")
    def _one_range(self) -> IntensityWindow:
        if self.percentiles and self.window:
            raise ValueError("expected percentiles or a window, not both")
        for pair in (self.percentiles, self.window, self.to):
            if pair and pair[0] >= pair[1]:
                raise ValueError(f"expected a low and a higher number, got {list(pair)}")
        if self.percentiles and not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            raise ValueError(f"expected percentiles from 0 to 100, got {list(self.percentiles)}")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the mapped image; a constant one becomes the low end."""
        image = intensities(value, "IntensityWindow")
        low, high = self.window or np.percentile(image.array, self.percentiles or (0, 100)).tolist()
        bottom, top = self.to
        if high > low:
            with np.errstate(over="ignore"):  # far outside a narrow range; clipped anyway
                share = np.clip((image.array - low) / (high - low), 0, 1)
        else:  # the limit of an ever narrower range; of a mostly empty image its content stays visible
            share = (image.array > low).astype(np.float32)
        return Image((bottom + share * (top - bottom)).astype(np.float32), image.geometry)


@register
class Normalize(Processor):
    """Brings each channel to mean 0 and standard deviation 1; a constant channel becomes 0."""

    above: float | None = None
    """Mean and deviation are those of the pixels above this intensity; of all where empty."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the normalized image."""
        image = intensities(value, "Normalize")
        array = np.zeros_like(image.array)
        for index, channel in enumerate(image.array):
            counted = channel if self.above is None else channel[channel > self.above]
            deviation = float(counted.std(dtype=np.float64)) if counted.size else 0.0
            if deviation > 0:
                array[index] = (channel - counted.mean(dtype=np.float64)) / deviation
        return Image(array, image.geometry)
