"""Reads an image at moved places: the places of one row at a time, then its pixels, in one pass over the output.

Places are voxel indices (z, y, x) of the image that is read. A chain of stages takes an output voxel there, each a
matrix or a lattice of displacements, linear between its nodes. 2-D images are volumes of one plane.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.kernels import cells

MATRIX, LATTICE = 0, 1
ZEROS, EDGE, REFLECT = 0, 1, 2

Chain = tuple[
    NDArray[np.int64],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float32],
]
"""Kind of each stage (n,), matrices (n, 3, 4), lattices one after the other, their starts (n,), their shapes (n, 3)
and nodes a voxel along each axis (n, 3)."""

_linear, _nearest, _cells, _clamped = cells.linear, cells.nearest, cells.cells, cells.clamped


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_matrix(at: Any, z: Any, y: Any, x0: Any, matrix: Any) -> None:
    """Write the places of a row of output voxels, moved by a matrix."""
    for axis in range(3):
        base = matrix[axis, 0] * z + matrix[axis, 1] * y + matrix[axis, 3]
        step = matrix[axis, 2]
        for i in range(at.shape[1]):
            at[axis, i] = base + step * np.float32(x0 + i)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _again_matrix(at: Any, matrix: Any) -> None:
    """Move places of a row on by a matrix."""
    for i in range(at.shape[1]):
        z, y, x = at[0, i], at[1, i], at[2, i]
        at[0, i] = matrix[0, 0] * z + matrix[0, 1] * y + matrix[0, 2] * x + matrix[0, 3]
        at[1, i] = matrix[1, 0] * z + matrix[1, 1] * y + matrix[1, 2] * x + matrix[1, 3]
        at[2, i] = matrix[2, 0] * z + matrix[2, 1] * y + matrix[2, 2] * x + matrix[2, 3]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cell(place: Any, nodes: Any) -> Any:
    """Return the node before a place and the share of the way to the next; outside, the nearest end."""
    place = min(max(place, np.float32(0)), np.float32(nodes - 1))
    first = min(int(place), max(nodes - 2, 0))
    return first, place - np.float32(first)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_lattice(at: Any, z: Any, y: Any, x0: Any, lattice: Any, rate: Any, line: Any) -> None:
    """Write the places of a row of output voxels, moved by a lattice: first along z and y, then along x."""
    k, fz = _cell(z * rate[0], lattice.shape[1])
    j, fy = _cell(y * rate[1], lattice.shape[2])
    k1, j1 = min(k + 1, lattice.shape[1] - 1), min(j + 1, lattice.shape[2] - 1)
    nodes = lattice.shape[3]
    for axis in range(3):
        for i in range(nodes):
            near = lattice[axis, k, j, i] * (1 - fy) + lattice[axis, k, j1, i] * fy
            far = lattice[axis, k1, j, i] * (1 - fy) + lattice[axis, k1, j1, i] * fy
            line[axis, i] = near * (1 - fz) + far * fz
    for i in range(at.shape[1]):
        x = np.float32(x0 + i)
        node, fx = _cell(x * rate[2], nodes)
        after = min(node + 1, nodes - 1)
        at[0, i] = z + line[0, node] + (line[0, after] - line[0, node]) * fx
        at[1, i] = y + line[1, node] + (line[1, after] - line[1, node]) * fx
        at[2, i] = x + line[2, node] + (line[2, after] - line[2, node]) * fx


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _again_lattice(at: Any, lattice: Any, rate: Any, index: Any, share: Any, line: Any) -> None:
    """Move places of a row on by a lattice."""
    count = at.shape[1]
    _clamped(at, rate, lattice.shape[1:], index, share)
    for axis in range(3):
        _linear(lattice[axis], line[axis], index, share, 0, count)
    for axis in range(3):
        for i in range(count):
            at[axis, i] += line[axis, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _places(at: Any, z: Any, y: Any, x0: Any, chain: Any, line: Any, index: Any, share: Any) -> None:
    """Write the places that a row of output voxels is read from."""
    kinds, matrices, lattices, starts, shapes, rates = chain
    for stage in range(kinds.shape[0]):
        if kinds[stage] == MATRIX:
            if stage == 0:
                _row_matrix(at, z, y, x0, matrices[stage])
            else:
                _again_matrix(at, matrices[stage])
        else:
            d, h, w = shapes[stage]
            lattice = lattices[starts[stage] : starts[stage] + 3 * d * h * w].reshape(3, d, h, w)
            if stage == 0:
                _row_lattice(at, z, y, x0, lattice, rates[stage], line)
            else:
                _again_lattice(at, lattice, rates[stage], index, share, line)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _inside(index: Any, size: Any, border: Any) -> Any:
    """Return where an index outside of an axis is read, -1 for nothing."""
    if 0 <= index < size:
        return index
    if border == ZEROS:
        return -1
    if border == EDGE or size == 1:
        return min(max(index, 0), size - 1)
    period = 2 * size - 2
    index = index % period
    return index if index < size else period - index


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _edge_linear(volume: Any, pz: Any, py: Any, px: Any, border: Any) -> Any:
    """Return the value between voxels of which some lie outside."""
    far = np.float32(1 << 24)
    pz, py, px = min(max(pz, -far), far), min(max(py, -far), far), min(max(px, -far), far)
    iz, iy, ix = int(np.floor(pz)), int(np.floor(py)), int(np.floor(px))
    fz, fy, fx = pz - np.float32(iz), py - np.float32(iy), px - np.float32(ix)
    total = np.float32(0)
    for dz in range(2):
        z = _inside(iz + dz, volume.shape[0], border)
        wz = fz if dz else 1 - fz
        if z < 0 or wz == 0:
            continue
        for dy in range(2):
            y = _inside(iy + dy, volume.shape[1], border)
            wy = fy if dy else 1 - fy
            if y < 0 or wy == 0:
                continue
            for dx in range(2):
                x = _inside(ix + dx, volume.shape[2], border)
                wx = fx if dx else 1 - fx
                if x >= 0 and wx != 0:
                    total += wz * wy * wx * volume[z, y, x]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _edge_nearest(volume: Any, pz: Any, py: Any, px: Any, border: Any) -> Any:
    """Return the nearest voxel, which lies outside; halves go up."""
    half, far = np.float32(0.5), np.float32(1 << 24)
    iz = _inside(int(np.floor(min(max(pz, -far), far) + half)), volume.shape[0], border)
    iy = _inside(int(np.floor(min(max(py, -far), far) + half)), volume.shape[1], border)
    ix = _inside(int(np.floor(min(max(px, -far), far) + half)), volume.shape[2], border)
    return volume.dtype.type(0) if iz < 0 or iy < 0 or ix < 0 else volume[iz, iy, ix]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_image(volume: Any, row: Any, at: Any, index: Any, share: Any, inside: Any, border: Any) -> None:
    """Fill a row linearly: runs of places inside the volume at once, the others one by one."""
    start, count = 0, row.shape[0]
    while start < count:
        stop = start
        while stop < count and inside[stop]:
            stop += 1
        _linear(volume, row, index, share, start, stop)
        while stop < count and not inside[stop]:
            row[stop] = _edge_linear(volume, at[0, stop], at[1, stop], at[2, stop], border)
            stop += 1
        start = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_labels(volume: Any, row: Any, at: Any, index: Any, inside: Any, border: Any) -> None:
    """Fill a row from the nearest voxels; see `_row_image`."""
    start, count = 0, row.shape[0]
    while start < count:
        stop = start
        while stop < count and inside[stop]:
            stop += 1
        _nearest(volume, row, index, start, stop)
        while stop < count and not inside[stop]:
            row[stop] = _edge_nearest(volume, at[0, stop], at[1, stop], at[2, stop], border)
            stop += 1
        start = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def warp(
    image: Any, out: Any, labels: Any, marked: Any, start: Any, offset: Any, chain: Any, border: Any
) -> None:
    """Fill `out` from `image` linearly and `marked` from `labels` by the nearest voxel, all (channel, z, y, x).

    Both are the part of the output that begins at the voxel `start`, read from the part of the input that begins
    at `offset`; either may have no channel.
    """
    shape = out.shape[1:] if out.shape[0] else marked.shape[1:]
    at, share = np.empty((3, shape[2]), np.float32), np.empty((3, shape[2]), np.float32)
    index, inside = np.empty(shape[2], np.uint32), np.empty(shape[2], np.uint8)
    line = np.empty((3, max(shape[2], chain[4][:, 2].max() if chain[4].size else 1)), np.float32)
    for z in range(shape[0]):
        for y in range(shape[1]):
            _places(at, np.float32(start[0] + z), np.float32(start[1] + y), start[2], chain, line, index, share)
            for axis in range(3):
                if offset[axis]:
                    for i in range(shape[2]):
                        at[axis, i] -= np.float32(offset[axis])
            if out.shape[0]:
                _cells(at, image.shape[1:], index, share, inside)
                for channel in range(out.shape[0]):
                    _row_image(image[channel], out[channel, z, y], at, index, share, inside, border)
            if marked.shape[0]:
                cells.nearest_cells(at, labels.shape[1:], index, inside)
                for channel in range(marked.shape[0]):
                    _row_labels(labels[channel], marked[channel, z, y], at, index, inside, border)
