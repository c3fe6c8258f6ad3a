"""How far a spatial step puts what an image shows off its place in the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor
from fuse_engine.data.source import Row

_LINES = 64
"""Places along each axis of the new grid at which the result is looked at, both ends among them."""
_SLACK = 1e-3
"""Share of a pixel that counts as rounding."""


def displacement(step: Processor, like: Image, row: Row) -> tuple[float, float, Geometry]:
    """Return how far a spatial step puts pixels off their place: mm, pixels of the new grid, and that grid.

    An image whose values are the mm of its own pixels goes through the step; where it comes out, they must be
    those of the new grid. Pixels at the edge count as far as the step had neighbours on both sides.

    Raises:
        SampleError: when the step does not return an image with as many axes.
    """
    old = like.geometry
    centre = np.asarray(old.point(tuple((n - 1) / 2 for n in old.shape)))
    found: list[NDArray[np.generic]] = []
    grid = old
    for axis in range(old.dims):
        moved = step.move(Image(_coordinate(old, axis, float(centre[axis]))[None], old), like, row)
        grid = moved.geometry
        if grid.dims != old.dims:
            raise SampleError(
                f"{step.name()} changes the number of axes", expected=str(old.dims), got=str(grid.dims)
            )
        found.append(moved.array[0][np.ix_(*_lines(grid))].ravel())
    points = _points(grid)
    vectors = (np.stack(found) - (points - centre[:, None]))[:, _inner(old, grid, points)]
    if not vectors.size:
        return 0.0, 0.0, grid
    steps = grid.matrix.T @ vectors / np.asarray(grid.spacing)[:, None]
    return float(np.linalg.norm(vectors, axis=0).max()), float(np.abs(steps).max()), grid


def _coordinate(grid: Geometry, axis: int, zero: float) -> NDArray[np.float32]:
    """Return the coordinate of every pixel along one axis of the patient, mm from `zero`."""
    steps = (grid.matrix[axis] * grid.spacing)[::-1]
    parts = np.ix_(*(step * np.arange(n) for step, n in zip(steps, grid.shape, strict=True)))
    plane = sum(parts[1:], np.asarray(grid.origin[axis] - zero))
    # summed in double precision, kept in single: a volume of doubles would be twice as large as the image
    found = np.empty(grid.shape, np.float32)
    np.add(parts[0], plane, out=found, casting="same_kind")
    return found


def _lines(grid: Geometry) -> list[NDArray[np.intp]]:
    """Return the places that are looked at along [z,] y, x."""
    return [np.unique(np.linspace(0, n - 1, min(n, _LINES)).round().astype(np.intp)) for n in grid.shape]


def _points(grid: Geometry) -> NDArray[np.float64]:
    """Return where those places lie, (axis, place), LPS mm."""
    index = np.stack(np.meshgrid(*_lines(grid), indexing="ij")).reshape(grid.dims, -1)[::-1]
    steps: NDArray[np.float64] = grid.matrix @ (index * np.asarray(grid.spacing)[:, None])
    return np.asarray(grid.origin)[:, None] + steps


def _inner(old: Geometry, new: Geometry, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points the step could interpolate from old pixels all around."""
    inner = np.ones(points.shape[1], bool)
    places = old.matrix.T @ (points - np.asarray(old.origin)[:, None]) / np.asarray(old.spacing)[:, None]
    for axis, turn in enumerate(old.matrix.T @ new.matrix):
        # how many old pixels one new pixel spans along this axis: it is the mean over as many to either side
        reach = float(np.abs(turn * new.spacing).max()) / old.spacing[axis]
        margin = reach - 0.5 if reach > 1 + _SLACK else 0.0
        within = (places[axis] >= margin - _SLACK) & (places[axis] <= old.size[axis] - 1 - margin + _SLACK)
        if within.any():
            inner &= within
    return inner
