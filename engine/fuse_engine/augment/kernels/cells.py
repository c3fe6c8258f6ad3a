"""Which voxels lie around places in a volume (z, y, x), and what is read there, a row of places at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _end(size: Any) -> Any:
    """Return where the last cell of an axis ends, itself excluded; one voxel is a cell of nothing but its centre."""
    return np.float32(size - 1) if size > 1 else np.float32(1e-30)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cells(at: Any, shape: Any, index: Any, share: Any, inside: Any) -> None:
    """Write for each place (3, n) the first voxel of its cell, the shares of the way to the next, and if it has one."""
    end_z, end_y, end_x = _end(shape[0]), _end(shape[1]), _end(shape[2])
    height, width, zero = np.int32(shape[1]), np.int32(shape[2]), np.float32(0)
    for i in range(index.shape[0]):
        z, y, x = at[0, i], at[1, i], at[2, i]
        inside[i] = (z >= zero) & (y >= zero) & (x >= zero) & (z < end_z) & (y < end_y) & (x < end_x)
    for i in range(index.shape[0]):
        # what lies outside is not read by its index, yet it must be a number
        z, y, x = min(max(at[0, i], zero), end_z), min(max(at[1, i], zero), end_y), min(max(at[2, i], zero), end_x)
        k, j, m = np.int32(z), np.int32(y), np.int32(x)
        share[0, i], share[1, i], share[2, i] = z - np.float32(k), y - np.float32(j), x - np.float32(m)
        index[i] = np.uint32((k * height + j) * width + m)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def clamped(at: Any, rate: Any, shape: Any, index: Any, share: Any) -> None:
    """Write cells of places (3, n) times `rate`, in the nearest cell where they lie outside."""
    zero = np.float32(0)
    end_z, end_y, end_x = np.float32(shape[0] - 1), np.float32(shape[1] - 1), np.float32(shape[2] - 1)
    last_z, last_y = np.int32(max(shape[0] - 2, 0)), np.int32(max(shape[1] - 2, 0))
    last_x = np.int32(max(shape[2] - 2, 0))
    height, width = np.int32(shape[1]), np.int32(shape[2])
    for i in range(index.shape[0]):
        z = min(max(at[0, i] * rate[0], zero), end_z)
        y = min(max(at[1, i] * rate[1], zero), end_y)
        x = min(max(at[2, i] * rate[2], zero), end_x)
        k, j, m = min(np.int32(z), last_z), min(np.int32(y), last_y), min(np.int32(x), last_x)
        share[0, i], share[1, i], share[2, i] = z - np.float32(k), y - np.float32(j), x - np.float32(m)
        index[i] = np.uint32((k * height + j) * width + m)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nearest_cells(at: Any, shape: Any, index: Any, inside: Any) -> None:
    """Write the nearest voxel of each place (3, n), halves going up, and whether there is one."""
    low, half = np.float32(-0.5), np.float32(0.5)
    end_z, end_y, end_x = np.float32(shape[0]) - half, np.float32(shape[1]) - half, np.float32(shape[2]) - half
    height, width = np.int32(shape[1]), np.int32(shape[2])
    for i in range(index.shape[0]):
        z, y, x = at[0, i], at[1, i], at[2, i]
        inside[i] = (z >= low) & (y >= low) & (x >= low) & (z < end_z) & (y < end_y) & (x < end_x)
    for i in range(index.shape[0]):
        z, y, x = min(max(at[0, i], low), end_z), min(max(at[1, i], low), end_y), min(max(at[2, i], low), end_x)
        k, j, m = np.int32(z + half), np.int32(y + half), np.int32(x + half)
        index[i] = np.uint32((k * height + j) * width + m)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def linear(volume: Any, row: Any, index: Any, share: Any, start: Any, stop: Any) -> None:
    """Fill part of a row with what lies between the eight voxels of each cell, four where there is one plane."""
    flat = volume.reshape(-1)
    depth, height, width = volume.shape
    below = np.uint32(width if height > 1 else 0)
    right = np.uint32(1 if width > 1 else 0)
    if depth == 1:
        for i in range(start, stop):
            at, fy, fx = index[i], share[1, i], share[2, i]
            a, b = flat[at], flat[at + below]
            a += (flat[at + right] - a) * fx
            b += (flat[at + below + right] - b) * fx
            row[i] = a + (b - a) * fy
        return
    behind = np.uint32(height * width)
    for i in range(start, stop):
        at, fz, fy, fx = index[i], share[0, i], share[1, i], share[2, i]
        a, b = flat[at], flat[at + below]
        c, d = flat[at + behind], flat[at + behind + below]
        a += (flat[at + right] - a) * fx
        b += (flat[at + below + right] - b) * fx
        c += (flat[at + behind + right] - c) * fx
        d += (flat[at + behind + below + right] - d) * fx
        a += (b - a) * fy
        c += (d - c) * fy
        row[i] = a + (c - a) * fz


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nearest(volume: Any, row: Any, index: Any, start: Any, stop: Any) -> None:
    """Fill part of a row with the voxels of an index."""
    flat = volume.reshape(-1)
    for i in range(start, stop):
        row[i] = flat[index[i]]
