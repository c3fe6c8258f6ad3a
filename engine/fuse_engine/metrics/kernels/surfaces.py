"""Where structures lie in label maps, their surfaces, and the way from one to the other."""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np

TRUTH, FOUND = np.uint8(1), np.uint8(2)
"""The bits of the two masks of a structure."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _mixed(row: Any) -> bool:
    """Say whether a row holds several labels."""
    other = np.uint8(0)
    first = row[0]
    for x in range(row.shape[0]):
        other |= row[x] ^ first
    return other != 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _widen(box: Any, z: Any, y: Any, first: Any, last: Any) -> None:
    box[0], box[1] = min(box[0], z), max(box[1], z)
    box[2], box[3] = min(box[2], y), max(box[3], y)
    box[4], box[5] = min(box[4], first), max(box[5], last)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def bounds(labels: Any, boxes: Any) -> None:
    """Widen the box of every label, (label, 6): first and last z, y, x, to hold it in a map (z, y, x)."""
    size = labels.shape[2]
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row = labels[z, y]
            if not _mixed(row):
                _widen(boxes[row[0]], z, y, 0, size - 1)
                continue
            start = 0
            for x in range(1, size):
                if row[x] != row[start]:
                    _widen(boxes[row[start]], z, y, start, x - 1)
                    start = x
            _widen(boxes[row[start]], z, y, start, size - 1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _code(truth: Any, found: Any, label: Any, out: Any) -> None:
    for x in range(truth.shape[0]):
        out[x] = np.uint8(truth[x] == label) | (np.uint8(found[x] == label) << np.uint8(1))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def code(truth: Any, found: Any, label: Any, out: Any) -> None:
    """Write which of two label maps (z, y, x) hold a label into the inside of `out` (z + 2, y + 2, x + 2)."""
    for z in range(truth.shape[0]):
        for y in range(truth.shape[1]):
            _code(truth[z, y], found[z, y], label, out[z + 1, y + 1, 1:-1])


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _common(codes: Any, z: Any, y: Any, faces: Any, every: Any) -> None:
    """Write which masks hold all face neighbours of a row's pixels, and which all neighbours."""
    here, above, below = codes[z, y], codes[z, y - 1], codes[z, y + 1]
    front, back = codes[z - 1, y], codes[z + 1, y]
    for x in range(1, here.shape[0] - 1):
        faces[x] = here[x - 1] & here[x] & here[x + 1] & above[x] & below[x] & front[x] & back[x]
    for x in range(here.shape[0]):
        every[x] = (
            here[x] & above[x] & below[x] & front[x] & back[x]
            & codes[z - 1, y - 1, x] & codes[z - 1, y + 1, x] & codes[z + 1, y - 1, x] & codes[z + 1, y + 1, x]
        )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _mark(codes: Any, faces: Any, every: Any, out: Any) -> None:
    for x in range(out.shape[0]):
        inner = every[x] & every[x + 1] & every[x + 2]
        out[x] = (codes[x] & ~faces[x + 1]) | ((codes[x] & ~inner) << np.uint8(2))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def contours(codes: Any, out: Any) -> None:
    """Write the surfaces of both masks of `code` into `out` (z, y, x).

    Bits 0 and 1: pixels of the truth and of the prediction with a face neighbour outside of it; bits 2 and 3:
    those with any neighbour outside, corners included.
    """
    faces, every = np.empty(codes.shape[2], np.uint8), np.empty(codes.shape[2], np.uint8)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            _common(codes, z + 1, y + 1, faces, every)
            _mark(codes[z + 1, y + 1, 1:-1], faces, every, out[z, y])


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def gaps(marks: Any, bit: Any, out: Any) -> None:
    """Write the pixels along x to the nearest one with a bit of `bit`; the length of the row where it has none."""
    size = marks.shape[2]
    for z in range(marks.shape[0]):
        for y in range(marks.shape[1]):
            row, gap = out[z, y], size
            for x in range(size):
                gap = 0 if marks[z, y, x] & bit else min(gap + 1, size)
                row[x] = gap
            if gap == size:
                continue
            for x in range(size - 1, -1, -1):
                gap = min(gap + 1, row[x])
                row[x] = gap


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _nearest(gap: Any, squares: Any, steps: Any, place: Any, enough: Any, limit: Any) -> Any:
    """Return the squared distance (mm) from a pixel to the nearest marked one, and how many rows were looked at.

    Nothing farther than `limit` is found, and the search ends at anything as near as `enough`.
    """
    z, y, x = place
    depth, height = gap.shape[0], gap.shape[1]
    best, rows = min(limit, squares[gap[z, y, x]]), 1
    for dz in range(depth):
        deep = (dz * steps[0]) ** 2
        if deep >= best or best <= enough:
            break
        for dy in range(height):
            away = deep + (dy * steps[1]) ** 2
            if away >= best or best <= enough:
                break
            for plane in (z - dz, z + dz):
                if 0 <= plane < depth:
                    if y >= dy:
                        best = min(best, away + squares[gap[plane, y - dy, x]])
                    if y + dy < height:
                        best = min(best, away + squares[gap[plane, y + dy, x]])
            rows += 4
        if dz >= z and dz >= depth - 1 - z:
            break
    return best, rows


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def walk(marks: Any, bit: Any, gap: Any, squares: Any, steps: Any, budget: Any, out: Any) -> Any:
    """Write the distance (mm) from every pixel of one surface to the other, given by its `gaps`, into `out`.

    `squares` are squared distances (mm) by gap, infinite where a row has none; `steps` the mm of a step along z, y
    and x. Returns False when it had to look at more rows than `budget`.
    """
    count, work = 0, 0
    for z in range(marks.shape[0]):
        for y in range(marks.shape[1]):
            last, since = np.inf, 0
            for x in range(marks.shape[2]):
                since += 1
                if marks[z, y, x] & bit == 0:
                    continue
                # nothing can be farther than the nearest one of the pixel before, and the way from it to here
                limit = (last + since * steps[2]) ** 2 * (1 + 1e-9)
                best, rows = _nearest(gap, squares, steps, (z, y, x), 0.0, limit)
                last, since = np.sqrt(best), 0
                out[count] = last
                count += 1
                work += rows
            if work > budget:
                return False
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def farthest(codes: Any, only: Any, gap: Any, squares: Any, steps: Any, budget: Any) -> Any:
    """Return the largest distance (mm) from the pixels of `codes` that are `only` to the mask that `gap` leads to.

    A pixel is done with as soon as something is nearer to it than the largest distance so far. Returns -1 when it
    had to look at more rows than `budget`.
    """
    largest, work = 0.0, 0
    for z in range(gap.shape[0]):
        for y in range(gap.shape[1]):
            for x in range(gap.shape[2]):
                if codes[z + 1, y + 1, x + 1] != only or squares[gap[z, y, x]] <= largest:
                    continue
                best, rows = _nearest(gap, squares, steps, (z, y, x), largest, np.inf)
                largest = max(largest, best)
                work += rows
            if work > budget:
                return -1.0
    return np.sqrt(largest)
