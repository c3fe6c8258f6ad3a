"""Augmentations that take content away; label maps keep what lies below, to be learned from what is around."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.intensity.noise import placed
from fuse_engine.augment.kernels.values import even
from fuse_engine.core.distribution import Distribution, PerAxis, constant, every_axis, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


class _Erasing(Intensity):
    """Sets some pixels to one value, in all channels at once."""

    fill: Distribution = constant(0.0)
    """What takes the place of the pixels, in the image's units."""

    @abstractmethod
    def gone(self, params: Params, shape: tuple[int, ...], part: Part) -> NDArray[np.bool_]:
        """Return which pixels ([z,] y, x) of a part of that shape are taken away."""

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image without these pixels."""
        return np.where(self.gone(params, image.shape[1:], part), np.float32(params["fill"]), image)


@register
class Cutout(_Erasing):
    """Takes boxes out of the image.

    T. DeVries and G. Taylor, arXiv:1708.04552; MONAI's `RandCoarseDropout`. Label maps keep what lies below.
    """

    count: Distribution = Field(constant(1), ge=0, le=1000)
    """How many boxes, to 1000; rounded."""
    size: PerAxis = Field(every_axis(uniform(0.1, 0.25)), ge=0, le=1)
    """Edges of a box as shares of the image's; one distribution is drawn from for each axis."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the boxes: first and last corner as shares of the image, [z,] y, x."""
        boxes = []
        for _ in range(round(chance.number(self.count))):
            edges = chance.each(self.size, grid.dims)
            first = [place(chance) * (1 - edge) for edge in edges]
            boxes.append([first, [start + edge for start, edge in zip(first, edges, strict=True)]])
        return {"boxes": boxes, "fill": chance.number(self.fill)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no boxes."""
        return {"boxes": [], "fill": 0.0}

    def gone(self, params: Params, shape: tuple[int, ...], part: Part) -> NDArray[np.bool_]:
        """Return the pixels within boxes, each to the nearest pixel."""
        found = np.zeros(shape, np.bool_)
        for first, last in params["boxes"]:
            edges = zip(first, last, part.offset, part.shape, strict=True)
            box = [(round(a * size) - start, round(b * size) - start) for a, b, start, size in edges]
            found[tuple(slice(max(a, 0), max(b, 0)) for a, b in box)] = True
        return found


@register
class Dropout(_Erasing):
    """Takes single pixels away; label maps keep what lies below."""

    share: Distribution = Field(uniform(0.0, 0.05), ge=0, le=1)
    """Share of the pixels that are taken away, from 0 to 1."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the share and the seed of the places."""
        return {"share": chance.number(self.share), "fill": chance.number(self.fill), "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no pixels."""
        return {"share": 0.0, "fill": 0.0, "seed": 0}

    def gone(self, params: Params, shape: tuple[int, ...], part: Part) -> NDArray[np.bool_]:
        """Return which pixels are taken away."""
        return np.asarray(placed(even, 1, shape, part, params["seed"])[0] < np.float32(params["share"]))


@register
class CoarseDropout(_Erasing):
    """Takes cells of a coarse grid away, as imgaug does; label maps keep what lies below."""

    share: Distribution = Field(uniform(0.0, 0.1), ge=0, le=1)
    """Chance that a cell is taken away, from 0 to 1."""
    cells: PerAxis = Field(every_axis(uniform(4.0, 16.0)), ge=1, le=256)
    """How many cells lie along each axis, to 256; rounded. One distribution is drawn once for all axes."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the chance, the number of cells along [z,] y, x and the seed of the places."""
        cells = [round(number) for number in chance.once(self.cells, grid.dims)]
        share, fill = chance.number(self.share), chance.number(self.fill)
        return {"share": share, "cells": cells, "fill": fill, "seed": chance.seed()}

    def neutral(self, grid: Geometry) -> Params:
        """Return no cells."""
        return {"share": 0.0, "cells": [1] * grid.dims, "fill": 0.0, "seed": 0}

    def gone(self, params: Params, shape: tuple[int, ...], part: Part) -> NDArray[np.bool_]:
        """Return the pixels whose cells are taken away."""
        cells = tuple(params["cells"])
        whole = Part((0,) * part.dims, cells)
        taken = placed(even, 1, cells, whole, params["seed"])[0] < np.float32(params["share"])
        places = [
            (np.arange(start, start + size) * count) // full
            for start, size, count, full in zip(part.offset, shape, cells, part.shape, strict=True)
        ]
        for axis in reversed(range(part.dims)):
            taken = taken.take(places[axis], axis)
        return np.asarray(taken)


def place(chance: Chance) -> float:
    """Draw where something lies, from 0 to below 1; there is no extreme place."""
    return chance.seed() / 2**53
