"""Weighted sums of neighbours; the edge pixels go on outside."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_CHUNK = 1024
"""Numbers that stay next to the processor while a sum is built."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _along(row: Any, out: Any, weights: Any, wide: Any) -> None:
    """Write the weighted sums along a row; `wide` is room for it and what goes on outside."""
    size, radius = row.shape[0], weights.shape[0] - 1
    for x in range(radius):
        wide[x], wide[radius + size + x] = row[0], row[size - 1]
    for x in range(size):
        wide[radius + x] = row[x]
    for x in range(size):
        out[x] = row[x] * weights[0]
    for step in range(1, radius + 1):
        weight = weights[step]
        before, after = wide[radius - step :], wide[radius + step :]
        for x in range(size):
            out[x] += (before[x] + after[x]) * weight


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _across(rows: Any, row: Any, last: Any, first: Any, out: Any, weights: Any) -> None:
    """Write the weighted sums of a row and its neighbours, 0 to `last`, from `first` on.

    A row's place is its number modulo the number of rows.
    """
    room = rows.shape[0]
    middle = rows[row % room, first:]
    for x in range(out.shape[0]):
        out[x] = middle[x] * weights[0]
    for step in range(1, weights.shape[0]):
        before, after = rows[max(row - step, 0) % room, first:], rows[min(row + step, last) % room, first:]
        weight = weights[step]
        for x in range(out.shape[0]):
            out[x] += (before[x] + after[x]) * weight


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _plane(image: Any, out: Any, along_y: Any, along_x: Any) -> None:
    """Write the weighted sums of a plane (y, x), rows kept only as long as they are needed."""
    height, size = image.shape
    radius = along_y.shape[0] - 1
    wide = np.empty(size + 2 * (along_x.shape[0] - 1), np.float32)
    rows = np.empty((min(2 * radius + 1, height), size), np.float32)
    done = 0
    for y in range(height):
        while done < min(y + radius + 1, height):
            _along(image[done], rows[done % rows.shape[0]], along_x, wide)
            done += 1
        _across(rows, y, height - 1, 0, out[y], along_y)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def weighted(image: Any, out: Any, along_z: Any, along_y: Any, along_x: Any) -> None:
    """Write the weighted sums of volumes (n, z, y, x); weights are those of the middle and of one side.

    Planes are kept only as long as they are needed, so that what is read a second time is still in the cache.
    """
    depth, height = image.shape[1:3]
    radius = along_z.shape[0] - 1
    size = height * image.shape[3]
    planes = np.empty((min(2 * radius + 1, depth), size), np.float32)
    for volume in range(image.shape[0]):
        done = 0
        for z in range(depth):
            if radius == 0:
                _plane(image[volume, z], out[volume, z], along_y, along_x)
                continue
            while done < min(z + radius + 1, depth):
                plane = planes[done % planes.shape[0]].reshape(height, image.shape[3])
                _plane(image[volume, done], plane, along_y, along_x)
                done += 1
            target = out[volume, z].reshape(-1)
            for first in range(0, size, _CHUNK):
                _across(planes, z, depth - 1, first, target[first : first + _CHUNK], along_z)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def planar(image: Any, out: Any, weights: Any) -> None:
    """Write the sums of the 3 x 3 neighbours of planes (n, y, x), each times its weight (3, 3)."""
    height, size = image.shape[1:]
    wide = np.empty((3, size + 2), np.float32)
    for plane in range(image.shape[0]):
        for y in range(height):
            for side in range(3):
                row = image[plane, min(max(y + side - 1, 0), height - 1)]
                wide[side, 0], wide[side, size + 1] = row[0], row[size - 1]
                for x in range(size):
                    wide[side, x + 1] = row[x]
            target = out[plane, y]
            for x in range(size):
                target[x] = 0
            for side in range(3):
                some, left, middle, right = wide[side], weights[side, 0], weights[side, 1], weights[side, 2]
                for x in range(size):
                    target[x] += some[x] * left + some[x + 1] * middle + some[x + 2] * right
