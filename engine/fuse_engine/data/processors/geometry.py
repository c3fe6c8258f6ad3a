"""Steps that change the grid of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy.ndimage import gaussian_filter1d

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image, from_itk, resample, to_itk
from fuse_engine.data.memory import require_memory
from fuse_engine.data.processor import Processor, Value, image_of
from fuse_engine.data.processors.loading import column_reads, read_grid
from fuse_engine.data.source import Row


@register
class Orient(Processor):
    """Turns and mirrors a volume so that its axes run closest to given directions; 2-D stays as it is."""

    spatial: ClassVar[bool] = True
    code: str = "LPS"
    """Where x, y and z run to: one of L R, one of P A, one of S I, in any order."""

    @field_validator("code")
    @classmethod
    def _is_code(cls, code: str) -> str:
        pairs = ("LR", "PA", "SI")
        if len(code) != 3 or any(sum(letter in pair for letter in code) != 1 for pair in pairs):
            raise ValueError("expected three letters, one of L R, one of P A, one of S I, e.g. LPS")
        return code

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image on the turned grid; no pixel is interpolated."""
        image = image_of(value, "Orient")
        if image.geometry.dims == 2:
            return image
        turned = from_itk(sitk.DICOMOrient(to_itk(image), self.code), image.label)
        return Image(turned.array.astype(image.array.dtype), turned.geometry)


@register
class Resample(Processor):
    """Puts an image onto a grid of given spacing: linear, label maps nearest; its centre stays where it is."""

    spatial: ClassVar[bool] = True
    spacing: list[float] = Field([1.0, 1.0, 1.0], min_length=2, max_length=3)
    """mm between pixels along (z, y, x), or (y, x) in 2-D."""
    anti_aliasing: bool = False
    """Whether an image is smoothed before it is shrunk, along the axes that lose pixels; label maps never are.

    A Gaussian of sqrt((k^2 - 1) / (8 ln 2)) pixels for a spacing that grows k-fold (Cardoso et al., MICCAI 2015),
    as in torchio, where it is off unless asked for, too.
    """

    @field_validator("spacing")
    @classmethod
    def _above_zero(cls, spacing: list[float]) -> list[float]:
        if min(spacing) <= 0:
            raise ValueError("expected numbers above 0")
        return spacing

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the resampled image."""
        image = image_of(value, "Resample")
        old = image.geometry
        same_axes(old, self.spacing, "spacing")
        spacing = tuple(reversed(self.spacing))
        extent = np.asarray(old.size) * old.spacing
        size = tuple(int(n) for n in np.maximum(np.round(extent / spacing), 1))
        require_room(image, size[::-1])
        if self.anti_aliasing and not image.label:
            image = _smoothed(image, self.spacing)
        # rounding the size leaves up to half a pixel at each edge: the image's own edge goes on there
        return resample(image, _centred(old, size, spacing), image.label, fill=None)


@register
class Resize(Processor):
    """Brings an image to a given size; it covers the same part of the patient, so its spacing changes.

    Linear; where it shrinks, each pixel is the weighted mean of all it covers, so nothing aliases. Label maps
    take the nearest pixel.
    """

    spatial: ClassVar[bool] = True
    size: list[int] = Field([256, 256], min_length=2, max_length=3)
    """Pixels along (z, y, x), or (y, x) in 2-D."""

    @field_validator("size")
    @classmethod
    def _at_least_one(cls, size: list[int]) -> list[int]:
        return at_least_one(size)

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the resized image."""
        image = image_of(value, "Resize")
        old = image.geometry
        same_axes(old, self.size, "size")
        require_room(image, self.size)
        size = tuple(reversed(self.size))
        spacing = tuple(step * n / m for step, n, m in zip(old.spacing, old.size, size, strict=True))
        array = image.array
        for axis, n in enumerate(self.size, 1):
            array = _nearest(array, n, axis) if image.label else _linear(array, n, axis)
        return Image(np.ascontiguousarray(array), _centred(old, size, spacing))


@register
class ResampleLike(Processor):
    """Puts an image onto the grid of the image in another column: linear, label maps nearest.

    The remedy for a mask that was drawn on another grid than its image.
    """

    spatial: ClassVar[bool] = True
    column: str = "image"
    """Column that names the image file or DICOM series whose grid is taken; only headers are read."""
    fill: float = 0.0
    """What pixels beyond the image's edge hold; a whole number for a label map."""

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image on the other grid; the image itself where it lies on that grid already."""
        image = image_of(value, "ResampleLike")
        return onto(image, read_grid(row, self.column), f"the image in column '{self.column}'", self.fill)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file whose grid is taken."""
        return column_reads(row, self.column)


def onto(image: Image, grid: Geometry, owner: str, fill: float = 0.0) -> Image:
    """Put an image onto the grid of `owner`: linear, label maps nearest, `fill` beyond its edge.

    Raises:
        SampleError: when the two differ in the number of axes, or show no part of the patient in common.
    """
    if image.geometry.near(grid):
        return image
    if image.geometry.dims != grid.dims:
        raise SampleError(
            f"the image has {image.geometry.dims} axes, {owner} has {grid.dims}", expected="both 2-D or both 3-D"
        )
    mine, wanted = (np.asarray(item.size) * item.spacing for item in (image.geometry, grid))
    if not (image.geometry.placed or grid.placed) and not np.allclose(mine, wanted):
        raise SampleError(
            f"neither the image nor {owner} says where it lies", expected="equal sizes; or a Resize step",
            got=f"{_sizes(image.geometry)} and {_sizes(grid)}",
        )  # fmt: skip
    reach = grid.index(image.geometry.corners)
    if (reach.max(0) < -0.5).any() or (reach.min(0) > np.asarray(grid.shape) - 0.5).any():
        raise SampleError(
            f"the image shows no part of the patient that {owner} shows", expected=grid.extent,
            got=image.geometry.extent,
        )  # fmt: skip
    require_room(image, grid.shape)
    return resample(image, grid, image.label, fill_of(image, fill))


def require_room(image: Image, shape: Sequence[int]) -> None:
    """Refuse to make an image of a size ([z,] y, x) that would take more than half of the free memory.

    Raises:
        SampleError: naming both.
    """
    needed = math.prod(map(float, shape)) * len(image.array) * image.array.itemsize
    require_memory(f"an image of {' x '.join(map(str, shape))} pixels", needed)


def fill_of(image: Image, fill: float) -> float:
    """Return what new pixels hold.

    Raises:
        SampleError: for a label map and a number that it cannot hold.
    """
    if image.label and not (fill % 1 == 0 and np.can_cast(np.min_scalar_type(int(fill)), image.array.dtype)):
        raise SampleError(
            "a label map cannot be filled with this number", got=f"{fill:g}",
            expected=f"a whole number{' from 0 to 255' if image.array.dtype == np.uint8 else ''}, e.g. 0",
        )  # fmt: skip
    return fill


def _sizes(geometry: Geometry) -> str:
    return " x ".join(map(str, geometry.size))


def at_least_one(size: list[int]) -> list[int]:
    """Return a size in pixels.

    Raises:
        ValueError: for numbers below 1.
    """
    if min(size) < 1:
        raise ValueError("expected whole numbers of 1 or more")
    return size


def same_axes(geometry: Geometry, numbers: list[int] | list[float], name: str) -> None:
    """Refuse numbers that are not one for each axis of an image.

    Raises:
        SampleError: naming the order of the axes.
    """
    if len(numbers) != geometry.dims:
        order = "(y, x)" if geometry.dims == 2 else "(z, y, x)"
        raise SampleError(
            f"the {name} does not fit a {geometry.dims}-D image", expected=f"{geometry.dims} numbers {order}",
            got=str(numbers),
        )  # fmt: skip


def _centred(old: Geometry, size: tuple[int, ...], spacing: tuple[float, ...]) -> Geometry:
    """Return a grid with the same centre and direction."""
    half_old = (np.asarray(old.size) - 1) * old.spacing / 2
    half_new = (np.asarray(size) - 1) * spacing / 2
    origin = np.asarray(old.origin) + old.matrix @ (half_old - half_new)
    return Geometry(size, spacing, tuple(origin.tolist()), old.direction)


def _smoothed(image: Image, spacing: Sequence[float]) -> Image:
    """Take away what a grid of larger spacing ([z,] y, x) cannot show."""
    array = image.array
    for axis, (new, old) in enumerate(zip(spacing, reversed(image.geometry.spacing), strict=True), 1):
        if new > old:
            sigma = math.sqrt(((new / old) ** 2 - 1) / (8 * math.log(2)))
            array = gaussian_filter1d(array, sigma, axis, mode="nearest")
    return Image(array, image.geometry)


def _nearest(array: NDArray[np.generic], size: int, axis: int) -> NDArray[np.generic]:
    old = array.shape[axis]
    places = ((np.arange(size) + 0.5) * old / size).astype(int)
    found: NDArray[np.generic] = np.take(array, places, axis)
    return found


def _linear(array: NDArray[np.float32], size: int, axis: int) -> NDArray[np.float32]:
    old = array.shape[axis]
    if size == old:
        return array
    scale = old / size
    reach = max(scale, 1.0)
    centres = (np.arange(size)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(old)[None] + 0.5 - centres) / reach
    weights = np.maximum(1 - distance, 0)
    weights /= weights.sum(1, keepdims=True)
    moved: NDArray[np.float32] = np.moveaxis(array, axis, -1) @ weights.T.astype(np.float32)
    back: NDArray[np.float32] = np.moveaxis(moved, -1, axis)
    return back
