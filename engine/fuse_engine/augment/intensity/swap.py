"""Patches that change places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.intensity.erase import place
from fuse_engine.core.distribution import Distribution, PerAxis, constant, every_axis
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]
_TRIES = 10
"""How often a second place is drawn until the two patches of a pair do not overlap."""


@register
class Swap(Intensity):
    """Lets pairs of patches change places, one pair after the other, as TorchIO's `RandomSwap`.

    L. Chen et al., Self-supervised learning by context restoration, 2019. Label maps stay as they are.
    """

    whole: ClassVar[bool] = True

    pairs: Distribution = Field(constant(20), ge=0, le=1000)
    """How many pairs, to 1000; rounded."""
    size: PerAxis = Field(every_axis(constant(0.1)), ge=0, le=0.4)
    """Edges of the patches as shares of the image's, to 0.4; one distribution is drawn from for each axis."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the edges as shares of the image, and places as shares of the room that there is, [z,] y, x."""
        edges = chance.each(self.size, grid.dims)
        near = [edge / (1 - edge) + 1 / size for edge, size in zip(edges, grid.shape, strict=True)]
        pairs = []
        for _ in range(round(chance.number(self.pairs))):
            first = [place(chance) for _ in edges]
            for _ in range(_TRIES):
                second = [place(chance) for _ in edges]
                if any(abs(a - b) > least for a, b, least in zip(first, second, near, strict=True)):
                    pairs.append([first, second])
                    break
        return {"size": edges, "pairs": pairs}

    def neutral(self, grid: Geometry) -> Params:
        """Return no pairs."""
        return {"size": [0.0] * grid.dims, "pairs": []}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image with patches in other places; a part takes what it lacks from its own edge."""
        found = image.copy()
        edges = [round(edge * full) for edge, full in zip(params["size"], part.shape, strict=True)]
        for pair in params["pairs"]:
            one, other = (
                [round(share * (full - edge)) for share, full, edge in zip(at, part.shape, edges, strict=True)]
                for at in pair
            )
            moves = [_move(a, b, edges, part, image.shape[1:]) for a, b in ((one, other), (other, one))]
            values = [_taken(found, sources) for _, sources in moves]
            for (target, _), value in zip(moves, values, strict=True):
                found[(slice(None), *target)] = value
        return found


def _move(
    to: list[int], start: list[int], edges: list[int], part: Part, shape: tuple[int, ...]
) -> tuple[list[slice], list[NDArray[np.intp]]]:
    """Return where a patch lies within a part, and along each axis where its pixels come from."""
    target: list[slice] = []
    sources: list[NDArray[np.intp]] = []
    for first, other, edge, offset, size in zip(to, start, edges, part.offset, shape, strict=True):
        low, high = max(first - offset, 0), min(max(first + edge - offset, 0), size)
        target.append(slice(low, max(high, low)))
        sources.append(np.clip(np.arange(low, max(high, low)) + other - first, 0, size - 1))
    return target, sources


def _taken(image: Pixels, sources: list[NDArray[np.intp]]) -> Pixels:
    for axis, source in enumerate(sources, 1):
        image = image.take(source, axis)
    return image
