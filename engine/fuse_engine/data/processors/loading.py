"""Steps that read image files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.dicom.series import Files, named_files, read_series, read_series_geometry
from fuse_engine.data.dicom.volume import flat
from fuse_engine.data.image import Image, label_array, read_geometry, read_image, resample
from fuse_engine.data.integrity import data_file
from fuse_engine.data.integrity.naming import ENDINGS
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.processors.columns import once
from fuse_engine.data.processors.encoding import looked_up
from fuse_engine.data.source import Row

Missing = Literal["error", "empty"]
"""What the empty cell of a label map means."""


@register
class LoadImage(Processor):
    """Reads the image file that a column names: png, jpg, tif, nii, nrrd, mha, mhd or a single dcm."""

    column: str = "image"
    """Column that names the file."""
    label: bool = False
    """The file is a label map: whole numbers, never interpolated."""
    values: list[int] = Field([])
    """Pixel values of a label map that mean class 0, 1, ...; as they are where empty, e.g. `[0, 255]`."""
    missing: Missing = "error"
    """What an empty cell of a label map means: a mistake, or that nothing is drawn on `image`, so that all of it
    is background. That nobody knows what is there cannot be said: exclude such samples."""
    image: str = "image"
    """Column that names the image whose grid such a label map has; only its header is read."""

    @model_validator(mode="after")
    def _only_labels(self) -> LoadImage:
        if self.values and not self.label:
            raise ValueError("expected `values` only with `label: true`")
        if self.missing == "empty" and (not self.label or self.column == self.image):
            raise ValueError(
                "expected `missing: empty` only with `label: true`, and the column of another `image`"
            )
        if len(set(self.values)) < len(self.values):
            raise ValueError("expected every value once")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image, or the label map."""
        if self._nothing(row):
            return nothing(read_grid(row, self.image))
        files = named_files(row, self.column)
        if isinstance(files, Path) or len(files) > 1:
            raise SampleError(
                f"column '{self.column}' names {'a folder' if isinstance(files, Path) else 'several files'}",
                expected="one image file; LoadDicom reads a series", got=_name(row, self.column),
            )  # fmt: skip
        image = read_image(files[0], self.label)
        if not self.values:
            return image
        return looked_up(image, {item: place for place, item in enumerate(self.values)})

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file, and the one that holds its pixels where that is another."""
        if self._nothing(row):
            return {self.column: "", **column_reads(row, self.image)}
        return column_reads(row, self.column)

    def _nothing(self, row: Row) -> bool:
        if not self.label or row.text(self.column):
            return False
        if self.missing == "error":
            raise SampleError(
                f"column '{self.column}' names no file", sample=row.id, check="missing",
                expected="`missing: empty` where that means that nothing is drawn; what is not known cannot be "
                "trained on: exclude such samples",
            )  # fmt: skip
        return True


@register
class LoadChannels(Processor):
    """Reads the images that several columns name into the channels of one image, e.g. CT and PET."""

    columns: list[str] = Field(["image"], min_length=1)
    """Columns that name the image files or DICOM series, in the order of the channels."""
    resample: bool = False
    """Put images of another grid onto the grid of the first, linearly; without it they are refused."""

    _once = field_validator("columns")(once)

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image, (channel, [z,] y, x), on the grid of the first file."""
        first, *rest = (read_column(row, column) for column in self.columns)
        arrays = [first.array]
        for column, image in zip(self.columns[1:], rest, strict=True):
            if not image.geometry.near(first.geometry):
                image = self._fitted(image, first, column, row)
            arrays.append(image.array)
        return Image(np.concatenate(arrays), first.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the files."""
        return {name: item for column in self.columns for name, item in column_reads(row, column).items()}

    def _fitted(self, image: Image, first: Image, column: str, row: Row) -> Image:
        if self.resample and image.geometry.dims == first.geometry.dims:
            return resample(image, first.geometry, label=False)
        other, name = (_name(row, one) for one in (self.columns[0], column))
        raise SampleError(
            f"{name} (column '{column}') lies on another grid than {other} (column '{self.columns[0]}')",
            expected=f"{_grid(first)}; or `resample: true`", got=_grid(image),
        )  # fmt: skip


def read_column(row: Row, column: str, label: bool = False) -> Image:
    """Read the image that a column names: an image file, or a DICOM series as a folder, a file or a list of files.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    files = named_files(row, column)
    if not _is_series(files):
        return read_image(row.path(column), label)
    image = read_series(files)
    return Image(label_array(image.array), image.geometry) if label else image


def nothing(grid: Geometry) -> Image:
    """Return a label map in which nothing is drawn."""
    return Image(np.zeros((1, *grid.shape), np.uint8), grid)


def read_grid(row: Row, column: str) -> Geometry:
    """Read the grid of the image that a column names, from headers alone.

    Raises:
        SampleError: naming the file and why it cannot be used.
    """
    files = named_files(row, column)
    return flat(read_series_geometry(files)[0]) if _is_series(files) else read_geometry(row.path(column))


def column_reads(row: Row, column: str) -> dict[str, str | Path]:
    """Return the files that a column names, and the one that holds the pixels where that is another.

    Raises:
        SampleError: for a file that is not there.
    """
    files = named_files(row, column)
    if isinstance(files, Path):
        return {column: files}
    if len(files) > 1:
        return {column: row.text(column), **{f"{column} {number}": path for number, path in enumerate(files, 1)}}
    pixels = None if _is_series(files) else data_file(files[0])
    return {column: files[0], **({f"{column} pixels": pixels} if pixels else {})}


def _name(row: Row, column: str) -> str:
    files = named_files(row, column)
    return files.name if isinstance(files, Path) else files[0].name


def _is_series(files: Files) -> bool:
    """Say whether these are files of DICOM: a folder, a list, or a file whose name ends like no other image's."""
    others = tuple(item for item in ENDINGS if item != ".dcm")
    return isinstance(files, Path) or len(files) > 1 or not files[0].name.lower().endswith(others)


def _grid(image: Image) -> str:
    grid = image.geometry
    sizes, steps = (" x ".join(f"{n:g}" for n in reversed(item)) for item in (grid.size, grid.spacing))
    return f"{sizes} pixels of {steps} mm from {grid.extent}"
