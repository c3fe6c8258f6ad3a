"""Medians of neighbours, a row at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _copy(row: Any, out: Any) -> None:
    for x in range(out.shape[0]):
        out[x] = row[x]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _order(low: Any, high: Any) -> None:
    """Put the smaller of two numbers into the first row, the larger into the second."""
    for x in range(low.shape[0]):
        one, other = low[x], high[x]
        low[x] = one if one < other else other
        high[x] = other if one < other else one


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _ends(rows: Any, count: Any) -> None:
    """Bring the smallest of the first `count` rows into the first of them, the largest into the last."""
    last = count - 1
    for i in range(count // 2):
        _order(rows[i], rows[last - i])
    for i in range(1, (count + 1) // 2):
        _order(rows[0], rows[i])
    for i in range(count // 2, last):
        _order(rows[i], rows[last])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def median(wide: Any, out: Any, deep: Any, radius: Any) -> None:
    """Write medians of the neighbours to `deep` along z and `radius` along y and x into `out` (n, z, y, x).

    `wide` is the image and what goes on outside of it. The smallest and the largest of just over half of the
    neighbours cannot be their median: they are dropped, the next one comes in, and so on.
    """
    side, size = 2 * radius + 1, out.shape[3]
    total = (2 * deep + 1) * side * side
    start = total // 2 + 2
    rows = np.empty((start, size), np.float32)
    for volume in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                count = 0
                for index in range(total):
                    plane, rest = index // (side * side), index % (side * side)
                    row, left = rest // side, rest % side
                    _copy(wide[volume, z + plane, y + row, left : left + size], rows[count])
                    count += 1
                    if index + 1 >= start:
                        _ends(rows, count)
                        _copy(rows[count - 2], rows[0])
                        count -= 2
                _copy(rows[0], out[volume, z, y])
