"""Where an image lies in the patient: size, spacing, origin and direction, in mm and LPS."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Geometry:
    """The grid of a 2-D or 3-D image, in ITK's order (x, y[, z]); arrays have the reverse order."""

    size: tuple[int, ...]
    """Pixels along x, y[, z]."""
    spacing: tuple[float, ...]
    """mm between pixel centres along x, y[, z]."""
    origin: tuple[float, ...]
    """mm, LPS: the centre of the first pixel."""
    direction: tuple[float, ...]
    """Row-major matrix; its columns are the directions of the axes in LPS."""

    @classmethod
    def plain(cls, shape: tuple[int, ...], spacing: tuple[float, ...] | None = None) -> Geometry:
        """Return an axis-aligned grid at 0 for arrays of `shape` ([z,] y, x); spacing likewise, or 1 mm."""
        dims = len(shape)
        step = tuple(reversed(spacing)) if spacing else (1.0,) * dims
        return cls(tuple(reversed(shape)), step, (0.0,) * dims, tuple(np.eye(dims).ravel().tolist()))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Geometry:
        """Return the geometry that `to_json` described."""
        return cls(
            tuple(int(n) for n in value["size"]), tuple(map(float, value["spacing"])),
            tuple(map(float, value["origin"])), tuple(map(float, value["direction"])),
        )  # fmt: skip

    def to_json(self) -> dict[str, list[float]]:
        """Return plain lists."""
        return {
            "size": list(self.size), "spacing": list(self.spacing),
            "origin": list(self.origin), "direction": list(self.direction),
        }  # fmt: skip

    @property
    def dims(self) -> int:
        """2 or 3."""
        return len(self.size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size in the order of arrays: [z,] y, x."""
        return tuple(reversed(self.size))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Direction as a square matrix."""
        return np.asarray(self.direction, float).reshape(self.dims, self.dims)

    @property
    def scale(self) -> tuple[float, ...]:
        """Signed mm a step along each array axis ([z,] y, x) for an axis-aligned grid; see `aligned`."""
        return tuple(reversed((np.diag(self.matrix) * self.spacing).tolist()))

    @property
    def translate(self) -> tuple[float, ...]:
        """Origin in the order of arrays: [z,] y, x; mm."""
        return tuple(reversed(self.origin))

    @property
    def aligned(self) -> bool:
        """Whether every axis runs along x, y or z of the patient, in this order, either way."""
        return bool(np.allclose(np.abs(self.matrix), np.eye(self.dims), atol=1e-4))

    def point(self, index: tuple[float, ...]) -> tuple[float, ...]:
        """Return the LPS position in mm of an array index ([z,] y, x)."""
        step = np.asarray(tuple(reversed(index))) * self.spacing
        return tuple((np.asarray(self.origin) + self.matrix @ step).tolist())

    def index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return array indices ([z,] y, x), not rounded, of LPS positions (n, dims) in mm; undoes `point`."""
        steps = np.linalg.solve(self.matrix, (np.asarray(points, float) - self.origin).T).T / self.spacing
        return np.asarray(steps[:, ::-1], np.float64)

    @property
    def placed(self) -> bool:
        """Whether it says where the image lies; a picture file (png, jpg) does not, resized or not."""
        extent = np.asarray(self.size) * self.spacing
        counted = np.allclose(np.asarray(self.origin) - np.asarray(self.spacing) / 2, -0.5, atol=1e-6)
        whole = np.allclose(extent, np.round(extent), atol=1e-6)
        return self.dims == 3 or not (counted and whole and np.array_equal(self.matrix, np.eye(2)))

    @property
    def corners(self) -> NDArray[np.float64]:
        """Outer corners of the image in LPS mm, (2 ** dims, dims), in the order of the axes."""
        ends = list(itertools.product((0, 1), repeat=self.dims))
        steps = (np.asarray(ends) * self.size - 0.5) * self.spacing
        found: NDArray[np.float64] = np.asarray(self.origin) + steps @ self.matrix.T
        return found

    @property
    def extent(self) -> str:
        """Its first and last corner, for messages."""
        first, last = (", ".join(f"{n:.1f}" for n in corner) for corner in self.corners[[0, -1]])
        return f"({first}) to ({last}) mm"

    def covers(self, other: Geometry) -> bool:
        """Whether both lie on the same part of the patient, axis by axis, to within half of the larger pixel.

        True where one of them does not say where it lies; false where the number of axes differs.
        """
        if self.dims != other.dims:
            return False
        if not (self.placed and other.placed):
            return True
        apart = np.abs((self.corners - other.corners) @ self.matrix)
        return bool((apart <= 0.501 * np.maximum(self.spacing, other.spacing)).all())

    def near(self, other: Geometry, tolerance: float = 1e-3) -> bool:
        """Whether two grids are the same up to `tolerance` of a pixel."""
        if self.size != other.size:
            return False
        pixel = tolerance * min(self.spacing)
        return bool(
            np.allclose(self.spacing, other.spacing, rtol=tolerance)
            and np.allclose(self.origin, other.origin, atol=pixel)
            and np.allclose(self.direction, other.direction, atol=tolerance)
        )
