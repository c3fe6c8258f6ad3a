"""What steps have in common that draw annotations of the table into a label map."""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.core.errors import SampleError, short
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.processors.loading import column_reads, read_grid
from fuse_engine.data.source import Row

_FAR = 1_000_000
"""Pixels or mm that no annotation lies beyond."""


class Annotations(Processor):
    """Draws the items of a JSON list into a label map of the image's size: 1 inside, 0 outside."""

    one: ClassVar[str]
    """What an item is called in messages."""
    example: ClassVar[str]
    """A cell as it should be."""
    column: str
    """Column that holds the annotations."""
    image: str = "image"
    """Column that names the image file or DICOM series; only headers are read."""
    unit: Literal["pixels", "mm"] = "pixels"
    """Unit of the numbers: pixels of the image file, or mm in the patient (LPS, as in DICOM)."""
    where: dict[str, list[str]] = Field({})
    """Samples whose annotations count, by what columns say, e.g. `{biopsy: [positive]}`; others get an empty
    map."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the label map."""
        grid = read_grid(row, self.image)
        mask = np.zeros(grid.shape, np.uint8)
        if all(row.text(column) in allowed for column, allowed in self.where.items()):
            for number, item in enumerate(self._items(row), 1):
                try:
                    self.draw(mask, grid, item)
                except ValueError as error:
                    raise SampleError(
                        f"column '{self.column}': {self.one} {number} {error}", sample=row.id, got=short(item)
                    ) from None
        return Image(mask[None], grid)

    @abstractmethod
    def draw(self, mask: NDArray[np.uint8], grid: Geometry, item: Any) -> None:
        """Draw one item into a mask ([z,] y, x).

        Raises:
            ValueError: with the rest of a sentence about the item.
        """

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the image file and the cells."""
        cells = {name: row.text(name) for name in (self.column, *self.where)}
        return {**{f"file of {name}": item for name, item in column_reads(row, self.image).items()}, **cells}

    def _items(self, row: Row) -> list[Any]:
        text = row.text(self.column)
        try:
            found = json.loads(text) if text.strip() else []
        except (ValueError, RecursionError) as error:
            raise SampleError(
                f"column '{self.column}' is not readable as JSON", sample=row.id,
                expected=f"e.g. {self.example}", got=str(error),
            ) from None  # fmt: skip
        if not isinstance(found, list):
            raise SampleError(
                f"column '{self.column}' holds no list", sample=row.id,
                expected=f"e.g. {self.example}", got=short(found),
            )  # fmt: skip
        return found


def plane_of(mask: NDArray[np.uint8], item: Any, content: str) -> tuple[NDArray[np.uint8], Any]:
    """Return the plane of a volume that `{"slice": z, content: ...}` lies in, as a view, and its content.

    Raises:
        ValueError: with the rest of a sentence about the item.
    """
    if not isinstance(item, dict) or set(item) != {"slice", content}:
        raise ValueError(f'of a volume must be {{"slice": z, "{content}": [...]}}')
    index = item["slice"]
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(mask):
        raise ValueError(f"must lie in a slice from 0 to {len(mask) - 1}")
    return mask[index], item[content]


def are_numbers(item: Any, count: int) -> bool:
    """Say whether this is a list of so many numbers that an image can hold."""
    return (
        isinstance(item, list)
        and len(item) == count
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in item)
        and all(math.isfinite(n) and abs(n) < _FAR for n in item)
    )
