"""The squared Euclidean distance transform, for what is too far away to be searched for."""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _envelope(values: Any, step: Any, places: Any, ends: Any, out: Any) -> None:
    """Write the smallest of the parabolas over a line: `values[i]` + (`step` (j - i))², at every j.

    The lower envelope of Felzenszwalb and Huttenlocher (2012), for any spacing.
    """
    count = 0
    for i in range(values.shape[0]):
        if values[i] == np.inf:
            continue
        while count:
            at = places[count - 1]
            meet = (values[i] - values[at]) / (2 * step * step * (i - at)) + (i + at) / 2
            if meet > ends[count - 1]:
                ends[count] = meet
                break
            count -= 1
        if not count:
            ends[0] = -np.inf
        places[count] = i
        count += 1
    if not count:
        out[:] = np.inf
        return
    at = 0
    for j in range(values.shape[0]):
        while at + 1 < count and ends[at + 1] < j:
            at += 1
        away = step * (j - places[at])
        out[j] = values[places[at]] + away * away


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _columns(plane: Any, step: Any) -> None:
    """Replace every column of a plane (line, x) by its envelope."""
    size = plane.shape[0]
    values, found = np.empty(size, np.float64), np.empty(size, np.float64)
    places, ends = np.empty(size, np.int64), np.empty(size + 1, np.float64)
    for x in range(plane.shape[1]):
        for i in range(size):
            values[i] = plane[i, x]
        _envelope(values, step, places, ends, found)
        for i in range(size):
            plane[i, x] = found[i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def transform(gap: Any, squares: Any, steps: Any, out: Any) -> None:
    """Write the squared distance (mm) of every pixel to the nearest marked one into `out` (z, y, x), float32.

    `gap` are the `gaps` to the marked ones, `squares` and `steps` those of `walk`.
    """
    depth, height, width = gap.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                out[z, y, x] = squares[gap[z, y, x]]
        _columns(out[z], steps[1])
    # one row of every plane at a time, so that columns are read from memory that is near
    plane = np.empty((depth, width), np.float32)
    for y in range(height):
        plane[:] = out[:, y]
        _columns(plane, steps[0])
        out[:, y] = plane
