"""Distances in mm between a structure in one label map and the same structure in another.

Only the box that holds both is looked at. A surface is what SimpleITK takes for one: the pixels of a structure
that have a face neighbour outside of it are measured (`LabelContour`), to the nearest pixel that has any neighbour
outside (`SignedMaurerDistanceMap`). The border of the image is no surface, unless the structure fills the whole
image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from fuse_engine.metrics.kernels.surfaces import FOUND, TRUTH, bounds, code, contours, farthest, gaps, walk
from fuse_engine.metrics.kernels.transform import transform

_BUDGET = 10
"""Rows that are looked at for each pixel of a box before its distance transform is cheaper."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A structure in two label maps, cut to the box that holds both."""

    label: int
    codes: UInt8[np.ndarray, " z y x"]
    """Bit 0 where the truth holds it, bit 1 where the prediction does; with one pixel around the box."""
    spacing: tuple[float, float, float]
    """mm along z, y, x."""
    truth: int
    """Pixels of the truth."""
    found: int
    """Pixels of the prediction."""

    @property
    def unmeasured(self) -> float | None:
        """Its distance where there is none to measure: NaN where both are empty, infinite where one is."""
        if self.truth and self.found:
            return None
        return float("inf") if self.truth or self.found else float("nan")

    def hausdorff(self) -> float:
        """Return the Hausdorff distance of the two sets of pixels: the farthest that one has from the other."""
        if self.unmeasured is not None:
            return self.unmeasured
        return max(self._farthest(TRUTH, FOUND), self._farthest(FOUND, TRUTH))

    def surfaces(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the distance of each surface pixel of the prediction to the truth's surface, and the other way.

        Both must hold the structure.
        """
        marks = np.empty(tuple(n - 2 for n in self.codes.shape), np.uint8)
        contours(self.codes, marks)
        return self._walk(marks, FOUND, TRUTH), self._walk(marks, TRUTH, FOUND)

    def _walk(self, marks: UInt8[np.ndarray, " z y x"], start: np.uint8, goal: np.uint8) -> NDArray[np.float64]:
        gap, squares = self._gaps(marks, goal << np.uint8(2))
        begun = (marks & start) > 0
        found = np.empty(np.count_nonzero(begun), np.float64)
        if walk(marks, start, gap, squares, self.spacing, _BUDGET * marks.size, found):
            return found
        return np.asarray(np.sqrt(self._transform(gap, squares)[begun], dtype=np.float64))

    def _farthest(self, start: np.uint8, goal: np.uint8) -> float:
        gap, squares = self._gaps(self.codes[1:-1, 1:-1, 1:-1], goal)
        found = farthest(self.codes, start, gap, squares, self.spacing, _BUDGET * gap.size)
        if found < 0:
            begun = self.codes[1:-1, 1:-1, 1:-1] == start
            found = np.sqrt(self._transform(gap, squares)[begun].max(initial=0), dtype=np.float64)
        return float(found)

    def _gaps(
        self, marks: UInt8[np.ndarray, " z y x"], bit: np.uint8
    ) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
        width = marks.shape[2]
        gap = np.empty(marks.shape, np.int16 if width < np.iinfo(np.int16).max else np.int32)
        gaps(marks, bit, gap)
        squares = (np.arange(width + 1) * self.spacing[2]) ** 2
        squares[width] = np.inf
        return gap, squares

    def _transform(self, gap: NDArray[np.integer], squares: NDArray[np.float64]) -> Float[np.ndarray, " z y x"]:
        out = np.empty(gap.shape, np.float32)
        transform(gap, squares, self.spacing, out)
        return out


def structures(
    truth: UInt8[np.ndarray, "*s"],
    found: UInt8[np.ndarray, "*s"],
    labels: Iterable[int],
    spacing: tuple[float, ...],
) -> Iterator[Structure]:
    """Yield each label's structure in two label maps ([z,] y, x); `spacing` in mm, in the same order."""
    shape = (1,) * (3 - truth.ndim) + truth.shape
    steps = (*(1.0,) * (3 - truth.ndim), *map(float, spacing))
    maps = [np.ascontiguousarray(item).reshape(shape) for item in (truth, found)]
    boxes = np.tile(np.array([2**31, -1] * 3), (256, 1))
    for item in maps:
        bounds(item, boxes)
    for label in labels:
        yield _cut(maps[0], maps[1], label, (steps[0], steps[1], steps[2]), boxes[label])


def _cut(
    truth: UInt8[np.ndarray, " z y x"],
    found: UInt8[np.ndarray, " z y x"],
    label: int,
    spacing: tuple[float, float, float],
    box: NDArray[np.int64],
) -> Structure:
    if box[1] < 0:
        return Structure(label, np.zeros((2, 2, 2), np.uint8), spacing, 0, 0)
    first, last = box[::2], box[1::2] + 1
    place = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    codes = np.zeros(last - first + 2, np.uint8)
    code(truth[place], found[place], label, codes)
    counts = [int(np.count_nonzero(codes & bit)) for bit in (TRUTH, FOUND)]
    # beyond the border of the image a structure goes on, so that the border is not its surface
    beyond = sum(int(bit) for bit, count in zip((TRUTH, FOUND), counts, strict=True) if count < truth.size)
    for axis, (start, stop, size) in enumerate(zip(first, last, truth.shape, strict=True)):
        ends = np.moveaxis(codes, axis, 0)
        # an axis of one pixel, as images have along z, has no ends
        outside = beyond if size > 1 else int(TRUTH | FOUND)
        if start == 0:
            ends[0] = outside
        if stop == size:
            ends[-1] = outside
    return Structure(label, codes, spacing, counts[0], counts[1])
