"""Reads an image at moved places: the places of one row at a time, then its pixels, in one pass over the output.

Places are voxel indices (z, y, x) of the image that is read. A chain of stages takes an output voxel there, each a
matrix or a lattice of displacements, linear between its nodes. 2-D images are volumes of one plane.
"""

# all in one file: numba's cache on disk looks no further than the file of what is called

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

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
"""Kind of each stage (n,), matrices (n, 3, 4), lattices one after the other, their starts (n,), shapes (n, 3) and
nodes a voxel along each axis (n, 3)."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _end(size: Any) -> Any:
    """Return where the last cell of an axis ends, itself excluded; one voxel is a cell of its centre alone."""
    return np.float32(size - 1) if size > 1 else np.float32(1e-30)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cells(at: Any, shape: Any, index: Any, share: Any, inside: Any) -> Any:
    """Write for each place (3, n) the first voxel of its cell, its shares of the way on, and if it has a cell.

    Return how many have one.
    """
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
    return np.int64(inside.sum())


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cell(place: Any, nodes: Any) -> Any:
    """Return the node before a place and the share of the way to the next; outside, the nearest end."""
    place = min(max(place, np.float32(0)), np.float32(nodes - 1))
    first = min(int(place), max(nodes - 2, 0))
    return first, place - np.float32(first)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _clamped(at: Any, rate: Any, shape: Any, index: Any, share: Any) -> None:
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
def _nearest_cells(at: Any, shape: Any, index: Any, inside: Any) -> Any:
    """Write the nearest voxel of each place (3, n), halves going up, and if it is one; return how many are."""
    low, half = np.float32(-0.5), np.float32(0.5)
    end_z, end_y, end_x = np.float32(shape[0]) - half, np.float32(shape[1]) - half, np.float32(shape[2]) - half
    depth, height, width = np.int32(shape[0]), np.int32(shape[1]), np.int32(shape[2])
    for i in range(index.shape[0]):
        z, y, x = at[0, i], at[1, i], at[2, i]
        inside[i] = (z >= low) & (y >= low) & (x >= low) & (z < end_z) & (y < end_y) & (x < end_x)
    for i in range(index.shape[0]):
        z, y, x = min(max(at[0, i], low), end_z), min(max(at[1, i], low), end_y), min(max(at[2, i], low), end_x)
        k, j, m = np.int32(z + half), np.int32(y + half), np.int32(x + half)
        k, j, m = min(k, depth - 1), min(j, height - 1), min(m, width - 1)
        index[i] = np.uint32((k * height + j) * width + m)
    return np.int64(inside.sum())


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _linear(flat: Any, shape: Any, row: Any, index: Any, share: Any, start: Any, stop: Any) -> None:
    """Fill part of a row with what lies between the eight voxels of each cell, four where there is one plane."""
    depth, height, width = shape
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
def _row_lattice(at: Any, z: Any, y: Any, x0: Any, lattice: Any, rate: Any, row: Any) -> None:
    """Write the places of a row of output voxels, moved by a lattice: first along z and y, then along x."""
    node, along, line = row
    k, fz = _cell(z * rate[0], lattice.shape[1])
    j, fy = _cell(y * rate[1], lattice.shape[2])
    k1, j1 = min(k + 1, lattice.shape[1] - 1), min(j + 1, lattice.shape[2] - 1)
    nodes, one = lattice.shape[3], np.float32(1)
    for axis in range(3):
        values, slopes = line[axis], line[3 + axis]
        for i in range(nodes):
            near = lattice[axis, k, j, i] * (one - fy) + lattice[axis, k, j1, i] * fy
            far = lattice[axis, k1, j, i] * (one - fy) + lattice[axis, k1, j1, i] * fy
            values[i] = near * (one - fz) + far * fz
        for i in range(nodes - 1):
            slopes[i] = values[i + 1] - values[i]
        slopes[nodes - 1] = 0
        start = z if axis == 0 else (y if axis == 1 else np.float32(0))
        for i in range(at.shape[1]):
            at[axis, i] = start + (values[node[i]] + slopes[node[i]] * along[i])
    for i in range(at.shape[1]):
        at[2, i] += np.float32(x0 + i)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _again_lattice(at: Any, lattice: Any, rate: Any, index: Any, share: Any, line: Any) -> None:
    """Move places of a row on by a lattice."""
    count = at.shape[1]
    _clamped(at, rate, lattice.shape[1:], index, share)
    flat = lattice.reshape(3, -1)
    for axis in range(3):
        _linear(flat[axis], lattice.shape[1:], line[axis], index, share, 0, count)
    for axis in range(3):
        for i in range(count):
            at[axis, i] += line[axis, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _places(at: Any, z: Any, y: Any, x0: Any, chain: Any, row: Any, index: Any, share: Any) -> None:
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
                _row_lattice(at, z, y, x0, lattice, rates[stage], row)
            else:
                _again_lattice(at, lattice, rates[stage], index, share, row[2])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_of(count: Any, x0: Any, chain: Any) -> Any:
    """Return node and share of the way on of each voxel of a row in the first lattice, and room for its nodes."""
    node, along = np.zeros(count, np.uint32), np.zeros(count, np.float32)
    widest = count
    for stage in range(chain[0].shape[0]):
        widest = max(widest, chain[4][stage, 2])
    if chain[0][0] == LATTICE:
        for i in range(count):
            first, share = _cell(np.float32(x0 + i) * chain[5][0, 2], chain[4][0, 2])
            node[i], along[i] = first, share
    return node, along, np.empty((6, widest), np.float32)


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
def _edge_linear(flat: Any, shape: Any, pz: Any, py: Any, px: Any, border: Any) -> Any:
    """Return the value between voxels of which some lie outside."""
    depth, height, width = shape
    if border == ZEROS and (min(pz, py, px) <= -1 or pz >= depth or py >= height or px >= width):
        return np.float32(0)
    far = np.float32(1 << 24)
    pz, py, px = min(max(pz, -far), far), min(max(py, -far), far), min(max(px, -far), far)
    iz, iy, ix = int(np.floor(pz)), int(np.floor(py)), int(np.floor(px))
    fz, fy, fx = pz - np.float32(iz), py - np.float32(iy), px - np.float32(ix)
    total = np.float32(0)
    for dz in range(2):
        z = _inside(iz + dz, depth, border)
        wz = fz if dz else 1 - fz
        if z < 0 or wz == 0:
            continue
        for dy in range(2):
            y = _inside(iy + dy, height, border)
            wy = fy if dy else 1 - fy
            if y < 0 or wy == 0:
                continue
            for dx in range(2):
                x = _inside(ix + dx, width, border)
                wx = fx if dx else 1 - fx
                if x >= 0 and wx != 0:
                    total += wz * wy * wx * flat[(z * height + y) * width + x]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _edge_nearest(flat: Any, shape: Any, pz: Any, py: Any, px: Any, border: Any) -> Any:
    """Return the nearest voxel, which lies outside; halves go up."""
    depth, height, width = shape
    if border == ZEROS:
        return flat.dtype.type(0)
    half, far = np.float32(0.5), np.float32(1 << 24)
    iz = _inside(int(np.floor(min(max(pz, -far), far) + half)), depth, border)
    iy = _inside(int(np.floor(min(max(py, -far), far) + half)), height, border)
    ix = _inside(int(np.floor(min(max(px, -far), far) + half)), width, border)
    return flat[(iz * height + iy) * width + ix]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_image(
    flat: Any, shape: Any, row: Any, at: Any, index: Any, share: Any, inside: Any, count: Any, border: Any
) -> None:
    """Fill a row linearly: the `count` places inside the volume at once where they follow each other."""
    start = 0
    while start < row.shape[0]:
        if not inside[start]:
            row[start] = _edge_linear(flat, shape, at[0, start], at[1, start], at[2, start], border)
            start += 1
            continue
        stop = start + count
        if stop > row.shape[0] or np.int64(inside[start:stop].sum()) < count:
            stop = start + 1
            while stop < row.shape[0] and inside[stop]:
                stop += 1
        _linear(flat, shape, row, index, share, start, stop)
        count -= stop - start
        start = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_labels(
    flat: Any, shape: Any, row: Any, at: Any, index: Any, inside: Any, count: Any, border: Any
) -> None:
    """Fill a row from the nearest voxels, `count` of which are inside the volume."""
    for i in range(row.shape[0]):
        row[i] = flat[index[i]]
    if count == row.shape[0]:
        return
    for i in range(row.shape[0]):
        if not inside[i]:
            row[i] = _edge_nearest(flat, shape, at[0, i], at[1, i], at[2, i], border)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def warp(image: Any, out: Any, labels: Any, marked: Any, start: Any, offset: Any, chain: Any, border: Any) -> None:
    """Fill `out` from `image` linearly and `marked` from `labels` by the nearest voxel, all (channel, z, y, x).

    Both are the part of the output that begins at the voxel `start`, read from the part of the input that begins
    at `offset`; either may have no channel.
    """
    shape = out.shape[1:] if out.shape[0] else marked.shape[1:]
    at, share = np.empty((3, shape[2]), np.float32), np.empty((3, shape[2]), np.float32)
    index, inside = np.empty(shape[2], np.uint32), np.empty(shape[2], np.uint8)
    pixels = image.reshape(image.shape[0], image.shape[1] * image.shape[2] * image.shape[3])
    classes = labels.reshape(labels.shape[0], labels.shape[1] * labels.shape[2] * labels.shape[3])
    row = _row_of(shape[2], start[2], chain)
    for z in range(shape[0]):
        for y in range(shape[1]):
            _places(at, np.float32(start[0] + z), np.float32(start[1] + y), start[2], chain, row, index, share)
            for axis in range(3):
                if offset[axis]:
                    for i in range(shape[2]):
                        at[axis, i] -= np.float32(offset[axis])
            if out.shape[0]:
                count = _cells(at, image.shape[1:], index, share, inside)
                for channel in range(out.shape[0]):
                    target = out[channel, z, y]
                    _row_image(pixels[channel], image.shape[1:], target, at, index, share, inside, count, border)
            if marked.shape[0]:
                count = _nearest_cells(at, labels.shape[1:], index, inside)
                for channel in range(marked.shape[0]):
                    found = marked[channel, z, y]
                    _row_labels(classes[channel], labels.shape[1:], found, at, index, inside, count, border)
