"""Weighted sums of neighbours along one axis; the edge pixels go on outside."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def along_rows(image: Any, out: Any, weights: Any) -> None:
    """Write the weighted sums along the last axis of (n, x); `weights` are those of the middle and one side."""
    size, radius = image.shape[1], weights.shape[0] - 1
    wide = np.empty(size + 2 * radius, np.float32)
    for row in range(image.shape[0]):
        wide[:radius] = image[row, 0]
        wide[radius : radius + size] = image[row]
        wide[radius + size :] = image[row, size - 1]
        target = out[row]
        for x in range(size):
            target[x] = wide[x + radius] * weights[0]
        for step in range(1, radius + 1):
            weight = weights[step]
            for x in range(size):
                target[x] += (wide[x + radius - step] + wide[x + radius + step]) * weight


@numba.njit(cache=True, nogil=True, error_model="numpy")
def across_rows(image: Any, out: Any, weights: Any) -> None:
    """Write the weighted sums along the middle axis of (n, y, x); see `along_rows`."""
    size, radius = image.shape[1], weights.shape[0] - 1
    for block in range(image.shape[0]):
        for y in range(size):
            target, middle = out[block, y], image[block, y]
            for x in range(middle.shape[0]):
                target[x] = middle[x] * weights[0]
            for step in range(1, radius + 1):
                before, after = image[block, max(y - step, 0)], image[block, min(y + step, size - 1)]
                weight = weights[step]
                for x in range(middle.shape[0]):
                    target[x] += (before[x] + after[x]) * weight
