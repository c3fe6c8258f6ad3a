"""Steps that read image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, read_image, resample
from fuse_engine.data.integrity import data_file
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.processors import classes as label_maps
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
        if not self.values:
            return image
        return label_maps.looked_up(image, {item: place for place, item in enumerate(self.values)})

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file, and the one that holds its pixels where that is another."""
        return file_reads(row, self.column)

    def sources(self) -> tuple[object, ...]:
        """Name what turns values into classes."""
        return (label_maps,)


@register
class LoadChannels(Processor):
    """Reads the image files that several columns name into the channels of one image, e.g. CT and PET."""

    columns: list[str] = Field(["image"], min_length=1)
    """Columns that name the files, in the order of the channels."""
    resample: bool = False
    """Put files of another grid onto the grid of the first, linearly; without it they are refused."""

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: list[str]) -> list[str]:
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"expected every column once, '{twice}' is there twice")
        return columns

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image, (channel, [z,] y, x), on the grid of the first file."""
        first, *rest = (read_image(row.path(column)) for column in self.columns)
        arrays = [first.array]
        for column, image in zip(self.columns[1:], rest, strict=True):
            if not image.geometry.near(first.geometry):
                image = self._fitted(image, first, column, row)
            arrays.append(image.array)
        return Image(np.concatenate(arrays), first.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the files."""
        return {name: item for column in self.columns for name, item in file_reads(row, column).items()}

    def _fitted(self, image: Image, first: Image, column: str, row: Row) -> Image:
        if self.resample and image.geometry.dims == first.geometry.dims:
            return resample(image, first.geometry, label=False)
        names = [row.path(name).name for name in (column, self.columns[0])]
        raise SampleError(
            f"{names[0]} (column '{column}') lies on another grid than {names[1]} (column '{self.columns[0]}')",
            expected=f"{_grid(first)}; or `resample: true`", got=_grid(image),
        )  # fmt: skip


def file_reads(row: Row, column: str) -> dict[str, str | Path]:
    """Return the file that a column names, and the one that holds its pixels where that is another."""
    path = row.path(column)
    pixels = data_file(path)
    return {column: path, **({f"{column} pixels": pixels} if pixels else {})}


def _grid(image: Image) -> str:
    grid = image.geometry
    sizes, steps = (" x ".join(f"{n:g}" for n in reversed(item)) for item in (grid.size, grid.spacing))
    return f"{sizes} pixels of {steps} mm from {grid.extent}"
