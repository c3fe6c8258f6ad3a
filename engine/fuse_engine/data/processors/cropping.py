"""Steps that cut an image or add to it; no pixel is interpolated, and each stays where it lies in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor, Value, image_of
from fuse_engine.data.processors.geometry import at_least_one, fill_of, require_room, same_axes
from fuse_engine.data.processors.loading import column_reads, read_column
from fuse_engine.data.source import Row

Border = Literal["constant", "edge", "reflect"]


@register
class Crop(Processor):
    """Cuts a box of fixed size out of an image: around its centre, or from a given pixel on."""

    spatial: ClassVar[bool] = True
    size: list[int] = Field([256, 256], min_length=2, max_length=3)
    """Pixels of the box along (z, y, x), or (y, x) in 2-D."""
    start: list[int] | None = Field(None, min_length=2, max_length=3)
    """First pixel of the box along (z, y, x), or (y, x), counted from 0; centred where empty."""

    _size = field_validator("size")(at_least_one)

    @model_validator(mode="after")
    def _start_fits(self) -> Crop:
        if self.start is not None and (len(self.start) != len(self.size) or min(self.start) < 0):
            raise ValueError(f"expected as many first pixels as sizes, {len(self.size)}, from 0 on")
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the box."""
        image = image_of(value, "Crop")
        same_axes(image.geometry, self.size, "size")
        shape = image.geometry.shape
        start = centred(shape, self.size) if self.start is None else self.start
        if any(first < 0 or first + n > old for first, n, old in zip(start, self.size, shape, strict=True)):
            raise SampleError(
                "the box does not lie within the image",
                expected=f"a box within {_by(shape)} pixels; CropOrPad where images may be smaller",
                got=f"{_by(self.size)} from {_by(start)}",
            )  # fmt: skip
        return reframe(image, start, self.size)


@register
class CropOrPad(Processor):
    """Brings an image to a given size around its centre: cuts where it is larger, pads where it is smaller."""

    spatial: ClassVar[bool] = True
    size: list[int] = Field([256, 256], min_length=2, max_length=3)
    """Pixels along (z, y, x), or (y, x) in 2-D."""
    border: Border = "constant"
    """What new pixels hold: the constant `fill`, the pixel at the edge, or the image mirrored at its edge."""
    fill: float = 0.0
    """What new pixels hold with a constant border, in the image's own unit; a whole number for a label map."""

    _size = field_validator("size")(at_least_one)

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image of that size."""
        image = image_of(value, "CropOrPad")
        same_axes(image.geometry, self.size, "size")
        return reframe(image, centred(image.geometry.shape, self.size), self.size, self.border, self.fill)


@register
class Pad(Processor):
    """Adds pixels around an image: a given number, or as many as it lacks to a size."""

    spatial: ClassVar[bool] = True
    by: list[int] | None = Field(None, min_length=1, max_length=6)
    """Pixels to add: one number for all sides, one for each axis (z, y, x), or two for each: before and after."""
    size: list[int] | None = Field(None, min_length=2, max_length=3)
    """Pixels along (z, y, x), or (y, x) in 2-D, that an image has at least; added on both sides alike."""
    border: Border = "constant"
    """What new pixels hold: the constant `fill`, the pixel at the edge, or the image mirrored at its edge."""
    fill: float = 0.0
    """What new pixels hold with a constant border, in the image's own unit; a whole number for a label map."""

    @model_validator(mode="after")
    def _one_way(self) -> Pad:
        if (self.by is None) == (self.size is None):
            raise ValueError("expected either `by` or `size`")
        if self.by is not None and min(self.by) < 0:
            raise ValueError("expected whole numbers of 0 or more in `by`; Crop takes pixels away")
        if self.size is not None:
            at_least_one(self.size)
        return self

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the padded image."""
        image = image_of(value, "Pad")
        shape = image.geometry.shape
        if self.size is not None:
            same_axes(image.geometry, self.size, "size")
            size = [max(old, n) for old, n in zip(shape, self.size, strict=True)]
            return reframe(image, centred(shape, size), size, self.border, self.fill)
        before, after = self._sides(image)
        size = [a + n + b for a, n, b in zip(before, shape, after, strict=True)]
        return reframe(image, [-n for n in before], size, self.border, self.fill)

    def _sides(self, image: Image) -> tuple[list[int], list[int]]:
        by, dims = self.by or [], image.geometry.dims
        if len(by) == 2 * dims:
            return by[::2], by[1::2]
        if len(by) not in (1, dims):
            raise SampleError(
                f"`by` does not fit a {dims}-D image", expected=f"1, {dims} or {2 * dims} numbers", got=str(by)
            )
        each = by * dims if len(by) == 1 else by
        return each, each


@register
class CropForeground(Processor):
    """Cuts an image to the smallest box that holds its foreground, the pixels above an intensity."""

    spatial: ClassVar[bool] = True
    like: str | None = None
    """Column that names the image or mask whose foreground decides, so that image and label map are cropped
    alike; what comes in decides where empty."""
    above: float = 0.0
    """Intensity above which a pixel is foreground; 0 takes all that a mask marks."""
    margin: list[float] = Field([0.0], min_length=1, max_length=3)
    """What is kept around the foreground, up to the image's edge: one number, or one along each of (z, y, x)."""
    unit: Literal["pixels", "mm"] = "pixels"
    """Unit of the margin."""
    empty: Literal["error", "whole"] = "error"
    """What happens without any foreground: the sample is refused, or the whole image is kept."""

    @field_validator("margin")
    @classmethod
    def _not_negative(cls, margin: list[float]) -> list[float]:
        if min(margin) < 0:
            raise ValueError("expected numbers of 0 or more")
        return margin

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the box."""
        image = image_of(value, "CropForeground")
        return self.move(image, image, row)

    def move(self, image: Image, like: Image, row: Row) -> Image:
        """Return the part of `image` that is kept of `like`, which lies on the same grid."""
        if len(self.margin) > 1:
            same_axes(like.geometry, self.margin, "margin")
        decides = read_column(row, self.like) if self.like else like
        box = _bounds(np.logical_or.reduce(decides.array > self.above))
        if box is None:
            if self.empty == "whole":
                return image
            raise SampleError(
                f"no pixel lies above {self.above:g}", expected="some foreground; or `empty: whole`",
                got=f"{decides.array.min():g} to {decides.array.max():g}",
            )  # fmt: skip
        first, last = self._on(like, decides, box)
        return reframe(image, first, [b - a + 1 for a, b in zip(first, last, strict=True)])

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return the file whose foreground decides."""
        return column_reads(row, self.like) if self.like else {}

    def _on(
        self, image: Image, decides: Image, box: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> tuple[list[int], list[int]]:
        """Return the first and last pixel of an image that hold a box of another's pixels, and the margin."""
        if decides.geometry.dims != image.geometry.dims:
            raise SampleError(
                f"the image in column '{self.like}' has {decides.geometry.dims} axes",
                expected=str(image.geometry.dims),
            )
        first, last = box if decides is image else _mapped(decides, image, box)
        pixel = np.asarray(image.geometry.spacing[::-1]) if self.unit == "mm" else 1.0
        width = np.ceil(np.asarray(self.margin) / pixel - 1e-6).astype(int)
        edge = np.asarray(image.geometry.shape) - 1
        low, high = np.maximum(first - width, 0), np.minimum(last + width, edge)
        if (low > high).any():
            raise SampleError(
                f"the foreground in column '{self.like}' lies outside the image",
                expected=image.geometry.extent, got=decides.geometry.extent,
            )  # fmt: skip
        return low.tolist(), high.tolist()


def centred(shape: Sequence[int], size: Sequence[int]) -> list[int]:
    """Return the first pixel of a box of `size` around the centre: pixel n // 2 stays the middle one."""
    return [old // 2 - new // 2 for old, new in zip(shape, size, strict=True)]


def reframe(
    image: Image, start: Sequence[int], size: Sequence[int], border: Border = "constant", fill: float = 0.0
) -> Image:
    """Return the box of `size` from pixel `start` on, ([z,] y, x), which may reach beyond the image.

    Raises:
        SampleError: when a label map cannot hold `fill`, and for a size beyond the memory.
    """
    require_room(image, size)
    grid = image.geometry
    ends = [(first, first + n, old) for first, n, old in zip(start, size, grid.shape, strict=True)]
    inner = tuple(slice(max(first, 0), min(last, old)) for first, last, old in ends)
    added = [(0, 0), *((max(-first, 0), max(last - old, 0)) for first, last, old in ends)]
    kept = image.array[(slice(None), *inner)]
    if border == "constant":
        array = np.pad(kept, added, "constant", constant_values=fill_of(image, fill))
    else:
        array = np.pad(kept, added, border)
    size_xyz = tuple(int(n) for n in reversed(size))
    return Image(array, replace(grid, size=size_xyz, origin=grid.point(tuple(start))))


def _bounds(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the first and last pixel along each axis that hold anything, or None."""
    first, last = [], []
    for axis in range(inside.ndim):
        found = np.flatnonzero(inside.any(axis=tuple(other for other in range(inside.ndim) if other != axis)))
        if not found.size:
            return None
        first.append(int(found[0]))
        last.append(int(found[-1]))
    return np.asarray(first), np.asarray(last)


def _mapped(
    source: Image, target: Image, box: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels of `target` that touch a box of pixels of `source`, wherever its grid lies."""
    dims = source.geometry.dims
    edges = np.stack([box[0] - 0.5, box[1] + 0.5])
    corners = [edges[list(which), range(dims)] for which in np.ndindex(*(2,) * dims)]
    places = target.geometry.index([source.geometry.point(tuple(corner)) for corner in corners])
    # an edge within 0.001 of a pixel's edge is that edge
    first = np.floor(places.min(0) + 0.5 + 1e-3).astype(int)
    last = np.ceil(places.max(0) - 0.5 - 1e-3).astype(int)
    return first, last


def _by(numbers: Sequence[int]) -> str:
    return " x ".join(map(str, numbers))
