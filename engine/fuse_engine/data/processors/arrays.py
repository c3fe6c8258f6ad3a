"""The step that reads an array of a .npy, .npz or .h5 file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from fuse_engine.core.errors import SampleError, short
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.arrays import Address, read_member
from fuse_engine.data.image import Image, label_array
from fuse_engine.data.integrity.pixels import refuse_holes
from fuse_engine.data.processor import Processor, Value
from fuse_engine.data.source import Row

_ORDER = "czyx"


@register
class LoadArray(Processor):
    """Reads an array that a column names: a .npy file, or a member of an .npz or .h5 file.

    The cell is `file`, `file|member`, `file|member|place` on the first axis, or `file|member|place|value` for the
    label map that is 1 where the array holds `value` (InnerEye's form). Only what is named is read.
    """

    column: str = "image"
    """Column that names the array."""
    axes: str = "zyx"
    """What the axes of the array are after the place: y and x, z in a volume, c for channels, e.g. `yxc`; or `n`
    for a vector of numbers."""
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Distance of the pixels along (z, y, x) in mm, which such a file does not say."""
    label: bool = False
    """The array is a label map: whole numbers, never interpolated."""

    @field_validator("axes")
    @classmethod
    def _known(cls, axes: str) -> str:
        if axes != "n" and not ({"y", "x"} <= set(axes) <= set(_ORDER) and len(set(axes)) == len(axes)):
            raise ValueError(f"expected y and x, perhaps z and c, each once, such as 'zyx', or 'n', got '{axes}'")
        return axes

    @field_validator("spacing")
    @classmethod
    def _above_zero(cls, spacing: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(spacing) <= 0:
            raise ValueError("expected numbers above 0")
        return spacing

    def __call__(self, value: Value | None, row: Row) -> Image | NDArray[np.float32]:
        """Return the image (channel, [z,] y, x), the label map, or the vector (n,)."""
        address = Address.of(row, self.column)
        found = read_member(address.path, address.member, address.place)
        name = short(row.text(self.column))
        if found.ndim != len(self.axes) or found.dtype.kind not in "biuf" or not found.size:
            raise SampleError(
                f"{name} is no array of the axes {self.axes}", expected=f"numbers on {len(self.axes)} axes",
                got=f"{found.dtype} {found.shape}",
            )  # fmt: skip
        if self.axes == "n":
            return _numbers(found, name)
        array = self._ordered(found)
        geometry = Geometry.plain(array.shape[1:], self.spacing[4 - array.ndim :])
        if address.value is not None or self.label:
            return Image(self._labels(array, address.value, name), geometry)
        return Image(_numbers(array, name), geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the cell and the file that it names."""
        return {self.column: row.text(self.column), f"file of {self.column}": Address.of(row, self.column).path}

    def _ordered(self, found: NDArray[Any]) -> NDArray[Any]:
        present = [axis for axis in _ORDER if axis in self.axes]
        array = found.transpose([self.axes.index(axis) for axis in present])
        return array if "c" in present else array[np.newaxis]

    def _labels(self, array: NDArray[Any], value: int | None, name: str) -> NDArray[Any]:
        if not self.label:
            raise SampleError(f"{name} names a label map", expected="`label: true`")
        if array.shape[0] != 1:
            raise SampleError(f"{name}: a label map has one channel", got=str(array.shape[0]))
        return label_array(array) if value is None else np.asarray(array == value, np.uint8)


def _numbers(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as such
        found = np.ascontiguousarray(array, np.float32)
    refuse_holes(name, found)
    # the array may be shared with other samples
    return found if found is not array else found.copy()
