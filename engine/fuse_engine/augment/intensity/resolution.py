"""What is lost where an image was taken with larger pixels or thicker slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.intensity.motion import Axis, axis_of, drawn_axis
from fuse_engine.core.distribution import Distribution, PerAxis, every_axis, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
Taken = Literal["nearest", "mean"]
Taps = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Indices along an axis and their weights, both (tap, pixel)."""


@register
class LowResolution(Intensity):
    """Takes an image to fewer pixels and back, linearly; nnU-Net's `SimulateLowResolutionTransform`."""

    zoom: PerAxis = Field(every_axis(uniform(0.5, 1.0)), ge=0.05, le=1)
    """Share of the pixels along an axis that is left; one range is drawn from once, `{z: ..., y: ..., x: ...}` for
    each axis."""
    taken: Taken = "nearest"
    """What a large pixel is: the nearest small one, or the mean of those that it covers."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the shares along [z,] y, x."""
        return {"zoom": chance.once(self.zoom, grid.dims)}

    def neutral(self, grid: Geometry) -> Params:
        """Return all pixels."""
        return {"zoom": [1.0] * grid.dims}

    def margin(self, params: Params) -> int:
        """Return how far the large pixels reach."""
        return reach(min(params["zoom"]))

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the coarser image."""
        return coarsened(image, params["zoom"], self.taken, part)


@register
class Anisotropy(Intensity):
    """Takes an image to thicker slices along one axis and back, linearly; TorchIO's `RandomAnisotropy`."""

    thickness: Distribution = Field(uniform(1.5, 5.0), ge=1, le=20)
    """How many times as thick the slices get; 1 changes nothing."""
    axes: list[Axis] = Field(["x", "y"], min_length=1)
    """Axes of which one is drawn."""
    taken: Taken = "mean"
    """What a thick slice is: the mean of those it covers, as a scanner measures it, or the nearest thin one."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the axis and the thickness.

        Raises:
            FuseError: for z on a 2-D image.
        """
        return {"axis": drawn_axis(self.axes, chance, grid), "thickness": chance.number(self.thickness)}

    def neutral(self, grid: Geometry) -> Params:
        """Return slices that are no thicker."""
        return {"axis": "y", "thickness": 1.0}

    def margin(self, params: Params) -> int:
        """Return how far the thick slices reach."""
        return reach(1 / params["thickness"])

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image of thick slices."""
        zoom = [1.0] * part.dims
        zoom[axis_of(params["axis"], part) - 1] = 1 / params["thickness"]
        return coarsened(image, zoom, self.taken, part)


def reach(zoom: float) -> int:
    """Return how many pixels around a pixel its value depends on, for a share of the pixels that is left."""
    # a large pixel is at most 2 / zoom wide, as their number is rounded; its own half and the next one whole
    return ceil(3 / zoom) + 1 if zoom < 1 else 0


def coarsened(image: Pixels, zoom: Sequence[float], taken: Taken, part: Part) -> Pixels:
    """Return an image (channel, [z,] y, x), or a part of one, taken to a share of the pixels and back."""
    found, widen = image.astype(np.float32), []
    sides = zip(zoom, image.shape[1:], part.offset, part.shape, strict=True)
    for axis, (share, count, start, size) in enumerate(sides, 1):
        large = max(round(size * share), 1)
        if large == size:
            continue
        first, taps = _back(large, size, start, count)
        found = _weighted(found, axis, _large(large, size, taken, first, int(taps[0].max()) + 1, start, count))
        widen.append((axis, taps))
    for axis, taps in widen:
        found = _weighted(found, axis, taps)
    return found


def _large(large: int, size: int, taken: Taken, first: int, number: int, start: int, count: int) -> Taps:
    """Return which small pixels, counted from `start`, make `number` large ones from the `first` on."""
    index = np.arange(first, first + number)
    if taken == "nearest":
        places, weights = ((2 * index + 1) * size // (2 * large))[None], np.ones((1, number))
    else:
        width = size / large
        edges = index * width
        places = np.floor(edges + 1e-9).astype(np.int64) + np.arange(ceil(width) + 1)[:, None]
        weights = np.minimum(places + 1, edges + width) - np.maximum(places, edges)
        weights = np.maximum(weights, 0) / width
    return np.clip(places - start, 0, count - 1), weights.astype(np.float32)


def _back(large: int, size: int, start: int, count: int) -> tuple[int, Taps]:
    """Return the first large pixel that `count` small ones need, and between which, from it on, each lies."""
    place = np.clip((np.arange(start, start + count) + 0.5) * large / size - 0.5, 0, large - 1)
    low = np.floor(place).astype(np.int64)
    high, share = np.minimum(low + 1, large - 1), place - low
    first = int(low[0])
    return first, (np.stack([low, high]) - first, np.stack([1 - share, share]).astype(np.float32))


def _weighted(image: Pixels, axis: int, taps: Taps) -> Pixels:
    """Return the weighted sums of an image's values along an axis."""
    found: Pixels | None = None
    for index, weight in zip(*taps, strict=True):
        values = np.take(image, index, axis)
        values *= weight.reshape(-1, *[1] * (image.ndim - 1 - axis))
        found = values if found is None else np.add(found, values, out=found)
    assert found is not None  # noqa: S101 every pixel is made of at least one
    return found
