"""The step that draws polygons of the table into a label map."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon

from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.processors.drawing import Annotations, are_numbers, plane_of


@register
class Contours(Annotations):
    """Draws the polygons in a column into a label map of the image's size: 1 inside, 0 outside.

    The cell holds JSON: a list of polygons, each a list of [x, y] in pixels of the image file, where (0, 0) is the
    centre of the first pixel; in a volume each polygon is `{"slice": z, "points": [[x, y], ...]}`. In mm, a
    polygon is a list of [x, y], in a volume of [x, y, z] within one slice, as in DICOM. An empty cell has none.
    """

    one: ClassVar[str] = "polygon"
    example: ClassVar[str] = "[[[10, 10], [20, 10], [20, 20]]]"
    column: str = "contours"
    """Column that holds the polygons."""
    holes: bool = False
    """A polygon inside another one is a hole in it; otherwise all that any polygon holds is inside."""

    def draw(self, mask: NDArray[np.uint8], grid: Geometry, item: Any) -> None:
        """Draw one polygon."""
        if self.unit == "mm":
            plane, points = _plane_in_mm(mask, grid, _points(item, grid.dims))
        else:
            plane, content = (mask, item) if grid.dims == 2 else plane_of(mask, item, "points")
            points = _points(content, 2)
        inside = polygon(points[:, 1], points[:, 0], plane.shape)
        if self.holes:
            plane[inside] ^= 1
        else:
            plane[inside] = 1


def _plane_in_mm(
    mask: NDArray[np.uint8], grid: Geometry, points: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the plane that a polygon lies in, as a view, and its points (n, 2) as x, y in pixels."""
    places = grid.index(points)
    if grid.dims == 2:
        return mask, places[:, ::-1]
    depth = round(float(places[:, 0].mean()))
    if np.abs(places[:, 0] - depth).max() > 0.5:
        raise ValueError("must lie within one slice of the image")
    if not 0 <= depth < len(mask):
        raise ValueError(f"must lie in a slice from 0 to {len(mask) - 1}, not in {depth}")
    return mask[depth], places[:, :0:-1]


def _points(item: Any, count: int) -> NDArray[np.float64]:
    if not isinstance(item, list) or len(item) < 3 or not all(are_numbers(point, count) for point in item):
        raise ValueError(f"must be a list of three or more {'[x, y]' if count == 2 else '[x, y, z]'}")
    return np.asarray(item, np.float64)
