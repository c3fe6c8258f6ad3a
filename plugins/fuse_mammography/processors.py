"""Processor steps for mammograms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data import Image, Processor, Row, Value
from fuse_engine.data.image import read_image


@register
class BreastCrop(Processor):
    """Crops an image or mask (channel, y, x) to the breast that the mammogram of the same row shows."""

    spatial: ClassVar[bool] = True
    column: str = "image"
    """Column with the path of the mammogram; image and mask are cropped alike."""
    background: float = Field(0.05, ge=0, lt=1)
    """Share of the mammogram's range, from the darkest value, that counts as background."""
    margin: int = Field(4, ge=0)
    """Pixels kept around the breast."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the cropped image; its geometry keeps every pixel where it was in mm.

        Raises:
            SampleError: when there is no image, or it has another grid than the mammogram.
        """
        path = row.path(self.column)
        mammogram = read_image(path)
        if not isinstance(value, Image) or not value.geometry.near(mammogram.geometry):
            raise SampleError(
                "BreastCrop needs an image on the grid of the mammogram", sample=row.id,
                expected="LoadImage or Contours directly before it",
            )  # fmt: skip
        rows, columns = _box(_breast(mammogram.array, self.background), self.margin)
        geometry = value.geometry
        corner = geometry.point((rows.start, columns.start))
        size = (columns.stop - columns.start, rows.stop - rows.start)
        return Image(value.array[:, rows, columns], replace(geometry, size=size, origin=corner))

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Name the mammogram."""
        return {self.column: row.path(self.column)}


def _box(inside: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Return the rows and columns that hold `inside` (channel, y, x), widened; everything where it is empty."""
    slices = []
    for axis, size in enumerate(inside.shape[1:], 1):
        found = np.flatnonzero(inside.any(axis=(0, 3 - axis)))
        first, last = (int(found[0]), int(found[-1])) if found.size else (0, size - 1)
        slices.append(slice(max(first - margin, 0), min(last + margin + 1, size)))
    return slices[0], slices[1]


def _breast(array: NDArray[Any], background: float) -> NDArray[np.bool_]:
    low, high = float(array.min()), float(array.max())
    return np.asarray(array > low + background * (high - low))


@register
class BreastWindow(Processor):
    """Windows the intensities of the breast to 0..1 and the background to 0; the background is what is darkest."""

    percentiles: tuple[float, float] = (1.0, 99.0)
    """Percentiles of the breast's intensities, from 0 to 100, that become 0 and 1."""
    background: float = Field(0.05, ge=0, lt=1)
    """Share of the image's range, from the darkest value, that counts as background."""

    @field_validator("percentiles")
    @classmethod
    def _in_order(cls, percentiles: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise ValueError("expected a low and a higher number from 0 to 100")
        return percentiles

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the windowed image; an image without a breast becomes 0.

        Raises:
            SampleError: when there is no image to work on.
        """
        if not isinstance(value, Image):
            raise SampleError("BreastWindow needs an image", sample=row.id, expected="LoadImage before it")
        array = value.array.astype(np.float32)
        return replace(value, array=_window(array, _breast(array, self.background), self.percentiles))


def _window(
    array: NDArray[np.float32], breast: NDArray[np.bool_], percentiles: tuple[float, float]
) -> NDArray[np.float32]:
    if not breast.any():
        return np.zeros_like(array)
    low, high = np.percentile(array[breast], percentiles)
    scaled = (array - low) / max(high - low, 1e-6)
    return np.where(breast, np.clip(scaled, 0, 1), 0).astype(np.float32)
