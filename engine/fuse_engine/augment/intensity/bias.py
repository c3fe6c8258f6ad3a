"""The slow rise and fall of brightness over an MR image."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Intensity, Params, Part
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.kernels.values import times_exponential
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

Pixels = NDArray[np.float32]


@register
class BiasField(Intensity):
    """Multiplies an image by a smooth field, e to a polynomial of the place, as the coils of an MR scanner do.

    K. Van Leemput et al., IEEE Trans. Med. Imaging 18 (1999) 885; TorchIO's `RandomBiasField`.
    """

    coefficient: Distribution = Field(uniform(-0.5, 0.5), ge=-1, le=1)
    """Coefficient of each term of the polynomial; places run from -1 to 1 along each axis. 0 changes nothing."""
    order: int = Field(3, ge=0, le=5)
    """Order of the polynomial, e.g. 3 for terms such as x y²; a higher one bends more often."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the coefficients in the order of `powers`."""
        return {"coefficients": [chance.number(self.coefficient) for _ in powers(grid.dims, self.order)]}

    def neutral(self, grid: Geometry) -> Params:
        """Return a field of 1."""
        return {"coefficients": [0.0] * len(powers(grid.dims, self.order))}

    def change(self, image: Pixels, params: Params, known: Mapping[str, Any], part: Part) -> Pixels:
        """Return the image times the field."""
        table: NDArray[np.float64] = np.zeros((self.order + 1,) * part.dims)
        for term, coefficient in zip(powers(part.dims, self.order), params["coefficients"], strict=True):
            table[term] = coefficient
        places = [
            _places(start, count, size)
            for start, count, size in zip(part.offset, image.shape[1:], part.shape, strict=True)
        ]
        for place in places[:-1]:
            table = np.asarray(polyval(place, table), np.float64)
        # (power of x, *rows)
        rows = np.ascontiguousarray(table.reshape(self.order + 1, -1).T, np.float32)
        pixels = np.ascontiguousarray(image, np.float32).reshape(len(image), -1, image.shape[-1])
        found = np.empty_like(pixels)
        times_exponential(pixels, found, rows, places[-1].astype(np.float32))
        return found.reshape(image.shape)


def powers(dims: int, order: int) -> list[tuple[int, ...]]:
    """Return the powers of [z,] y, x in every term of a polynomial of that order."""
    return [term for term in product(range(order + 1), repeat=dims) if sum(term) <= order]


def _places(start: int, count: int, size: int) -> NDArray[np.float64]:
    """Return where pixels lie between -1 and 1; the one pixel of a thin axis lies at 0."""
    return (2.0 * np.arange(start, start + count) - (size - 1)) / max(size - 1, 1)
