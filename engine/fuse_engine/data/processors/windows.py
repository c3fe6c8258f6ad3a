"""Windows that follow what an intensity means in CT, or find it in MRI; each channel has its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from skimage.filters import threshold_otsu

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value, intensities
from fuse_engine.data.processors.foreground import measured, read_mask
from fuse_engine.data.processors.intensity import rising, windowed
from fuse_engine.data.processors.loading import column_reads
from fuse_engine.data.source import Row

_QUARTILE = 0.67448975
"""Where a standard normal distribution has its upper quartile."""


@register
class CtWindow(Processor):
    """Maps CT windows in HU to a range and clips the rest; several windows make a channel each of a plain CT."""

    level: list[float] = Field([50.0], min_length=1)
    """Centre of the window in HU: one number, or one for each window."""
    width: list[float] = Field([600.0], min_length=1)
    """Width of the window in HU: one number, or one for each window."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of a window become."""

    _rising = field_validator("to")(rising)

    @model_validator(mode="after")
    def _fit(self) -> CtWindow:
        if min(self.width) <= 0:
            raise ValueError("expected widths above 0")
        if len(self.level) != len(self.width) and 1 not in (len(self.level), len(self.width)):
            raise ValueError(f"expected one width for each of {len(self.level)} levels, got {len(self.width)}")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image through its windows, (window, [z,] y, x)."""
        image = intensities(value, "CtWindow")
        windows, channels = max(len(self.level), len(self.width)), len(image.array)
        if 1 not in (windows, channels) and windows != channels:
            raise SampleError(
                f"{windows} windows do not fit {channels} channels", expected=f"one window, or {channels}"
            )
        count = max(windows, channels)
        levels, widths = _each(self.level, count), _each(self.width, count)
        found = [
            windowed(image.array[index % channels], level - width / 2, level + width / 2, self.to)
            for index, (level, width) in enumerate(zip(levels, widths, strict=True))
        ]
        return Image(np.stack(found), image.geometry)


@register
class MriWindow(Processor):
    """Maps a window around the median of the foreground, found by Otsu's threshold, and clips the rest.

    The window reaches `sharpen` robust deviations (from the quartiles) to both sides of the median, up to the
    threshold and the brightest pixel (InnerEye's MRI window).
    """

    sharpen: float = Field(0.9, gt=0)
    """Half the width of the window in robust standard deviations of the foreground."""
    tail: list[float] = Field([1.0], min_length=1)
    """How many times `sharpen` the window reaches above the median: one number, or one for each channel."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of the window become."""

    _rising = field_validator("to")(rising)

    @field_validator("tail")
    @classmethod
    def _above_zero(cls, tail: list[float]) -> list[float]:
        if min(tail) <= 0:
            raise ValueError("expected numbers above 0")
        return tail

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the windowed image; a constant channel becomes the low end."""
        image = intensities(value, "MriWindow")
        if len(self.tail) not in (1, len(image.array)):
            raise SampleError(
                "the tails do not fit the channels", expected=f"1 or {len(image.array)} numbers",
                got=str(len(self.tail)),
            )  # fmt: skip
        tails = _each(self.tail, len(image.array))
        found = [self._window(channel, tail) for channel, tail in zip(image.array, tails, strict=True)]
        return Image(np.stack(found), image.geometry)

    def _window(self, channel: NDArray[np.float32], tail: float) -> NDArray[np.float32]:
        threshold = float(threshold_otsu(channel))
        inside = channel[channel > threshold]
        if not inside.size:
            return np.full_like(channel, self.to[0])
        level, deviation = _robust(inside)
        low = max(level - self.sharpen * deviation, threshold)
        high = min(level + tail * self.sharpen * deviation, float(inside.max()))
        # what lies below the threshold is below the window; InnerEye's 0 for it is bright in a negative image
        return windowed(channel, low, high, self.to)


@register
class TrimmedNorm(Processor):
    """Maps a window around the median, found without the darkest and brightest pixels, and clips the rest.

    The window reaches `sharpen` robust deviations (from the quartiles) to both sides of the median of the pixels
    strictly between two percentiles, and not beyond those pixels (InnerEye's trimmed norm).
    """

    percentiles: tuple[float, float] = (1.0, 99.0)
    """Percentiles, from 0 to 100, between which pixels are measured."""
    sharpen: float = Field(0.9, gt=0)
    """Half the width of the window in robust standard deviations."""
    mask: str | None = None
    """Column that names a mask: only pixels where it is not 0 are measured, all others become the low end."""
    to: tuple[float, float] = (0.0, 1.0)
    """What the ends of the window become."""

    _rising = field_validator("percentiles", "to")(rising)

    @field_validator("percentiles")
    @classmethod
    def _are_percentiles(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] < 0 or pair[1] > 100:
            raise ValueError(f"expected percentiles from 0 to 100, got {list(pair)}")
        return pair

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the windowed image; a channel with nothing between the percentiles becomes the low end."""
        image = intensities(value, "TrimmedNorm")
        mask = read_mask(row, self.mask, image.geometry) if self.mask else None
        found = [self._window(channel, mask) for channel in image.array]
        return Image(np.stack(found), image.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file of the mask."""
        return column_reads(row, self.mask) if self.mask else {}

    def _window(self, channel: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        inside = measured(channel, mask)
        lowest, highest = midpoints(inside, self.percentiles)
        trimmed = inside[(inside > lowest) & (inside < highest)]
        if not trimmed.size:
            return np.full_like(channel, self.to[0])
        level, deviation = _robust(trimmed)
        low = max(level - self.sharpen * deviation, float(trimmed.min()))
        high = min(level + self.sharpen * deviation, float(trimmed.max()))
        found = windowed(channel, low, high, self.to)
        return found if mask is None else np.where(mask, found, np.float32(self.to[0]))


def midpoints(values: NDArray[np.float32], percentiles: tuple[float, ...]) -> list[float]:
    """Return percentiles; one that falls between two values is the mean of the two."""
    places = np.asarray(percentiles, np.float64) / 100 * (values.size - 1)
    below, above = np.floor(places).astype(int), np.ceil(places).astype(int)
    ordered = np.partition(values, np.unique([below, above]))
    found: list[float] = ((ordered[below].astype(np.float64) + ordered[above]) / 2).tolist()
    return found


def _robust(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the median and the deviation that a normal distribution with these quartiles has."""
    lower, median, upper = midpoints(values, (25.0, 50.0, 75.0))
    return median, (upper - lower) / (2 * _QUARTILE)


def _each(numbers: list[float], count: int) -> list[float]:
    return numbers * count if len(numbers) == 1 else numbers
