"""The step that reads an image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field, model_validator

from fuse_engine.core.errors import SampleError, nearest
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, read_image
from fuse_engine.data.integrity import data_file
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row


@register
class LoadImage(Processor):
    """Reads the image file that a column names: png, jpg, tif, nii, nrrd, mha, mhd or a single dcm."""

    column: str = "image"
    """Column that names the file."""
    label: bool = False
    """The file is a label map: whole numbers, never interpolated."""
    values: list[int] = Field([])
    """Pixel values of a label map that mean class 0, 1, ...; as they are where empty, e.g. `[0, 255]`."""

    @model_validator(mode="after")
    def _only_labels(self) -> LoadImage:
        if self.values and not self.label:
            raise ValueError("expected `values` only with `label: true`")
        if len(set(self.values)) < len(self.values):
            raise ValueError("expected every value once")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image, or the label map."""
        image = read_image(row.path(self.column), self.label)
        return _classes(image, self.values) if self.label and self.values else image

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file, and the one that holds its pixels where that is another."""
        path = row.path(self.column)
        pixels = data_file(path)
        return {self.column: path, **({f"{self.column} pixels": pixels} if pixels else {})}


def _classes(image: Image, values: list[int]) -> Image:
    found = np.unique(image.array).tolist()
    for item in found:
        if item not in values:
            raise SampleError(
                f"the label map holds the value {item}", expected=f"one of {', '.join(map(str, values))}",
                nearest=nearest(str(item), map(str, values)),
            )  # fmt: skip
    places = np.asarray([values.index(item) for item in found], np.uint8)
    return Image(places[np.searchsorted(np.asarray(found), image.array)], image.geometry)
