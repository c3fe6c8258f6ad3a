"""Pictures turned so that their axes run along the patient's, without touching a value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry

STRAIGHT = 1e-6
"""How far the cosine of an axis may be from 1 for the rounding of file headers."""


@dataclass(frozen=True, eq=False)
class Canonical:
    """An array (channel, [z,] y, x) whose indices grow to the patient's left, back and head (LPS)."""

    array: NDArray[Any]
    """(channel, [z,] y, x); a view of the array it was made from."""
    scale: tuple[float, ...]
    """mm between pixel centres along [z,] y, x."""
    translate: tuple[float, ...]
    """mm, LPS: the centre of the first pixel, in the order [z,] y, x."""
    order: tuple[int, ...]
    """For [z,] y, x: which axis of the original array it was."""
    flipped: tuple[bool, ...]
    """For [z,] y, x: whether it ran the other way."""
    oblique: float
    """Degrees between the axes as drawn and as acquired; 0 where the grid is aligned with the patient."""

    def original(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Return the index in the original array of an index ([z,] y, x) in this one."""
        found = [0] * len(index)
        for place, size, axis, back in zip(index, self.array.shape[1:], self.order, self.flipped, strict=True):
            found[axis] = size - 1 - place if back else place
        return tuple(found)


def canonical(array: NDArray[Any], geometry: Geometry) -> Canonical:
    """Return the array with its axes permuted and flipped to the patient axes they are closest to.

    An oblique grid keeps the place of its centre; its axes are drawn along the closest patient axes.
    """
    dims, matrix = geometry.dims, geometry.matrix

    def fit(axes: tuple[int, ...]) -> float:
        return sum(abs(float(matrix[patient, axis])) for patient, axis in enumerate(axes))

    axes = max(permutations(range(dims)), key=fit)
    patients = tuple(reversed(range(dims)))
    order = tuple(dims - 1 - axes[patient] for patient in patients)
    flipped = tuple(bool(matrix[patient, axes[patient]] < 0) for patient in patients)
    turned = np.flip(
        array.transpose(0, *(1 + axis for axis in order)),
        tuple(1 + place for place, back in enumerate(flipped) if back),
    )
    scale = tuple(geometry.spacing[axes[patient]] for patient in patients)
    centre = geometry.point(tuple((size - 1) / 2 for size in geometry.shape))
    translate = tuple(
        middle - step * (size - 1) / 2
        for middle, step, size in zip(reversed(centre), scale, turned.shape[1:], strict=True)
    )
    cosine = min(abs(float(matrix[patient, axes[patient]])) for patient in patients)
    oblique = 0.0 if cosine > 1 - STRAIGHT else math.degrees(math.acos(cosine))
    return Canonical(turned, scale, translate, order, flipped, oblique)
