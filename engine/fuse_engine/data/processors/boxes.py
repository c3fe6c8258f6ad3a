"""The step that draws boxes of the table into a label map."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.processors.drawing import Annotations, are_numbers, plane_of

_SLACK = 1e-6
"""Pixels or mm that rounding may cost at an edge."""


@register
class Boxes(Annotations):
    """Draws the boxes in a column into a label map of the image's size: 1 inside, 0 outside.

    The cell holds JSON: a list of boxes, each [x0, y0, x1, y1], in a volume [x0, y0, z0, x1, y1, z1] or
    `{"slice": z, "box": [x0, y0, x1, y1]}`. In pixels, (0, 0) is the centre of the first pixel. A pixel is inside
    when its centre is, the edges included. An empty cell has no boxes.
    """

    one: ClassVar[str] = "box"
    example: ClassVar[str] = "[[10, 10, 20, 30]]"
    column: str = "boxes"
    """Column that holds the boxes."""
    second: Literal["corner", "size"] = "corner"
    """What the second half of a box's numbers is: its last corner, or its size, as in COCO; 4 pixels from 10 on
    are 10 to 13."""

    def draw(self, mask: NDArray[np.uint8], grid: Geometry, item: Any) -> None:
        """Draw one box."""
        if isinstance(item, dict):
            if grid.dims == 2 or self.unit == "mm":
                raise ValueError(f"must be a list of {2 * grid.dims} numbers")
            plane, item = plane_of(mask, item, "box")
            low, high = self._corners(item, 2)
            plane[_inside(low, high)] = 1
            return
        low, high = self._corners(item, grid.dims)
        if self.unit == "pixels":
            mask[_inside(low, high)] = 1
        else:
            _draw_in_mm(mask, grid, low, high)

    def _corners(self, item: Any, dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and highest corner, x first."""
        if not are_numbers(item, 2 * dims):
            names = ["x0", "y0", "z0"][:dims]
            last = [name.replace("0", "1") for name in names]
            if self.second == "size":
                last = ["width", "height", "depth"][:dims]
            raise ValueError(f"must be [{', '.join([*names, *last])}]")
        numbers = np.asarray(item, np.float64)
        low, high = numbers[:dims], numbers[dims:]
        if self.second == "size":
            # the last pixel that starts before the edge; in mm the edge itself
            high = low + high - (1.0 if self.unit == "pixels" else 0.0)
        if (high < low).any():
            raise ValueError("must have its first corner before its last, and a size above 0")
        return low, high


def _inside(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[slice, ...]:
    """Return the pixels ([z,] y, x) from one corner to another, both x first."""
    first = np.maximum(np.ceil(low[::-1] - _SLACK), 0).astype(int).tolist()
    last = np.maximum(np.floor(high[::-1] + _SLACK) + 1, 0).astype(int).tolist()
    return tuple(slice(a, b) for a, b in zip(first, last, strict=True))


def _draw_in_mm(
    mask: NDArray[np.uint8], grid: Geometry, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Mark the pixels whose centre lies in a box along the patient's axes, however the image is turned."""
    corners = grid.index(list(itertools.product(*zip(low, high, strict=True))))
    near = _inside(corners.min(0)[::-1], corners.max(0)[::-1])
    near = tuple(slice(part.start, min(part.stop, n)) for part, n in zip(near, mask.shape, strict=True))
    places = np.ogrid[near]
    inside = np.ones([part.size for part in places], bool)
    steps = grid.matrix * grid.spacing
    for axis in range(grid.dims):
        position = grid.origin[axis] + sum(
            steps[axis, column] * place for column, place in enumerate(reversed(places))
        )
        inside &= (position >= low[axis] - _SLACK) & (position <= high[axis] + _SLACK)
    mask[near][inside] = 1
