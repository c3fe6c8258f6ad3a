"""The step that draws polygons of the table into a label map."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from skimage.draw import polygon

from fuse_engine.core.errors import SampleError, short
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, read_geometry
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row

_POINTS = 1_000_000


@register
class Contours(Processor):
    """Draws the polygons in a column into a label map of the image's size: 1 inside, 0 outside.

    The cell holds JSON: a list of polygons, each a list of [x, y] in pixels of the image file, where (0, 0) is the
    centre of the first pixel; in a volume each polygon is `{"slice": z, "points": [[x, y], ...]}`. An empty cell
    has no polygons.
    """

    column: str = "contours"
    """Column that holds the polygons."""
    image: str = "image"
    """Column that names the image file; only its header is read."""
    where: dict[str, list[str]] = Field({})
    """Samples whose polygons count, by what columns say, e.g. `{biopsy: [positive]}`; others get an empty map."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the label map."""
        geometry = read_geometry(row.path(self.image))
        array = np.zeros((1, *geometry.shape), np.uint8)
        if all(row.text(column) in allowed for column, allowed in self.where.items()):
            self._draw(array[0], row)
        return Image(array, geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the image file and the cells."""
        cells = {name: row.text(name) for name in (self.column, *self.where)}
        return {f"file of {self.image}": row.path(self.image), **cells}

    def _draw(self, mask: NDArray[np.uint8], row: Row) -> None:
        for number, item in enumerate(self._polygons(row), 1):
            try:
                plane, points = _plane(mask, item)
                rows, columns = polygon(points[:, 1], points[:, 0], plane.shape)
                plane[rows, columns] = 1
            except ValueError as error:
                raise SampleError(
                    f"column '{self.column}': polygon {number} {error}", sample=row.id, got=short(item)
                ) from None

    def _polygons(self, row: Row) -> list[Any]:
        text = row.text(self.column)
        try:
            found = json.loads(text) if text.strip() else []
        except (ValueError, RecursionError) as error:
            raise SampleError(
                f"column '{self.column}' is not readable as JSON", sample=row.id,
                expected="e.g. [[[10, 10], [20, 10], [20, 20]]]", got=str(error),
            ) from None  # fmt: skip
        if not isinstance(found, list):
            raise SampleError(f"column '{self.column}' holds no list of polygons", sample=row.id, got=short(found))
        return found


def _plane(mask: NDArray[np.uint8], item: Any) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the plane that a polygon lies in, as a view, and its points (n, 2) as x, y.

    Raises:
        ValueError: with the rest of a sentence about the polygon.
    """
    if mask.ndim == 2:
        return mask, _points(item)
    if not isinstance(item, dict) or set(item) != {"slice", "points"}:
        raise ValueError('of a volume must be {"slice": z, "points": [[x, y], ...]}')
    index = item["slice"]
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(mask):
        raise ValueError(f"must lie in a slice from 0 to {len(mask) - 1}")
    return mask[index], _points(item["points"])


def _points(item: Any) -> NDArray[np.float64]:
    if not isinstance(item, list) or len(item) < 3 or not all(_is_point(point) for point in item):
        raise ValueError("must be a list of three or more [x, y]")
    return np.asarray(item, np.float64)


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in point)
        and all(math.isfinite(n) and abs(n) < _POINTS for n in point)
    )
