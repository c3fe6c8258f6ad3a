"""Processor steps for mammograms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data import Image, LoadImage, Processor, Row, Value

_PHOTOMETRIC = 0x00280004


@register
class LoadMammogram(Processor):
    """Load a mammogram (1, y, x) so that dense tissue is bright, whichever way its file stores it."""

    column: str = "image"
    """Column with the path of the DICOM file."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the image; MONOCHROME1 files are inverted.

        Raises:
            SampleError: when the file is missing or cannot be read.
        """
        image = LoadImage(column=self.column)(None, row)
        assert isinstance(image, Image)  # noqa: S101 what LoadImage returns
        if _stored_inverted(row.path(self.column)):
            image = replace(image, array=image.array.min() + image.array.max() - image.array)
        return image

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Name the file."""
        return {self.column: row.path(self.column)}


def _stored_inverted(path: Path) -> bool:
    if path.suffix.lower() != ".dcm":
        return False
    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[_PHOTOMETRIC])
    return str(header.get("PhotometricInterpretation", "")) == "MONOCHROME1"


@register
class BreastWindow(Processor):
    """Window the intensities of the breast to 0..1 and the background to 0; the background is what is darkest."""

    percentiles: tuple[float, float] = (1.0, 99.0)
    """Percentiles of the breast's intensities that become 0 and 1."""
    background: float = Field(0.05, ge=0, lt=1)
    """Fraction of the image's range, from the darkest value, that counts as background."""

    def __call__(self, value: Value | None, row: Row) -> Value:
        """Return the windowed image; an image without a breast becomes 0.

        Raises:
            SampleError: when there is no image to work on.
        """
        if not isinstance(value, Image):
            raise SampleError("BreastWindow needs an image", sample=row.id, expected="LoadMammogram before it")
        array = value.array.astype(np.float32)
        low, high = float(array.min()), float(array.max())
        breast = array > low + self.background * (high - low)
        return replace(value, array=_window(array, breast, self.percentiles))


def _window(
    array: NDArray[np.float32], breast: NDArray[np.bool_], percentiles: tuple[float, float]
) -> NDArray[np.float32]:
    if not breast.any():
        return np.zeros_like(array)
    low, high = np.percentile(array[breast], percentiles)
    scaled = (array - low) / max(high - low, 1e-6)
    return np.where(breast, np.clip(scaled, 0, 1), 0).astype(np.float32)
