"""Parts of images, images with more around them, and images seen larger or smaller."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, field_validator

from fuse_engine.augment.base import Params, Spatial
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Matrix, Pull
from fuse_engine.core.distribution import AXES, PerAxis, constant, every_axis, uniform
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register


@register
class Crop(Spatial):
    """Cuts a window of a fixed size out of the image; pixels are copied."""

    size: list[int] = Field([64, 64], min_length=2, max_length=3)
    """Pixels of the window along (z, y, x), or (y, x) in 2-D."""
    place: PerAxis = Field(every_axis(uniform(0.0, 1.0)), ge=0, le=1)
    """Where the window lies along each axis, from 0, at the image's first pixel, to 1, at its last."""

    @field_validator("size")
    @classmethod
    def _at_least_one(cls, size: list[int]) -> list[int]:
        return _positive(size)

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the first pixel of the window.

        Raises:
            FuseError: where the image is smaller than the window, or has another number of axes.
        """
        _same_axes(self.size, grid)
        if any(size > whole for size, whole in zip(self.size, grid.shape, strict=True)):
            raise FuseError(
                "the window is larger than the image", where="size",
                expected=f"at most {grid.shape}, or Pad with this size before it", got=str(tuple(self.size)),
            )  # fmt: skip
        starts = [
            min(int(share * (whole - size + 1)), whole - size)
            for share, size, whole in zip(chance.each(self.place, grid.dims), self.size, grid.shape, strict=True)
        ]
        return {"start": starts, "size": list(self.size), "shape": list(grid.shape)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the whole image."""
        return {"start": [0] * grid.dims, "size": list(grid.shape), "shape": list(grid.shape)}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the window."""
        return _framed(params["start"], params["size"], params["shape"], shape)


@register
class Pad(Spatial):
    """Adds pixels around the image, which hold what `border` says: so many, then as many as it lacks to a size."""

    by: PerAxis = Field(every_axis(constant(0.0)), ge=0, le=4096)
    """Pixels to add along each axis, to 4096, drawn for either side and rounded."""
    size: list[int] | None = Field(None, min_length=2, max_length=3)
    """Pixels along (z, y, x), or (y, x) in 2-D, that the image has at least afterwards."""
    place: PerAxis = Field(every_axis(constant(0.5)), ge=0, le=1)
    """Share, from 0 to 1, of the pixels lacking to `size` that come before the image; 0.5 is the middle."""

    @field_validator("size")
    @classmethod
    def _at_least_one(cls, size: list[int] | None) -> list[int] | None:
        return size if size is None else _positive(size)

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the pixels before and after the image.

        Raises:
            FuseError: for a size with another number of axes than the image.
        """
        if self.size is not None:
            _same_axes(self.size, grid)
        before, after = ([round(number) for number in chance.each(self.by, grid.dims)] for _ in range(2))
        for axis, share in enumerate(chance.each(self.place, grid.dims)):
            least = self.size[axis] if self.size else 0
            lacking = max(least - grid.shape[axis] - before[axis] - after[axis], 0)
            before[axis] += round(share * lacking)
            after[axis] += lacking - round(share * lacking)
        return {"before": before, "after": after, "shape": list(grid.shape)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no pixels."""
        return {"before": [0] * grid.dims, "after": [0] * grid.dims, "shape": list(grid.shape)}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the image in its frame."""
        size = np.add(params["shape"], params["before"]) + params["after"]
        return _framed(np.negative(params["before"]), size, params["shape"], shape)


@register
class CropResize(Spatial):
    """Cuts a window out of the image and brings it to the image's size."""

    scale: PerAxis = Field(every_axis(uniform(0.7, 1.0)), gt=0, le=1)
    """Length of the window as a share of the image's, above 0; for all axes it is drawn once."""
    place: PerAxis = Field(every_axis(uniform(0.0, 1.0)), ge=0, le=1)
    """Where the window lies along each axis, from 0, at the image's first pixel, to 1, at its last."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw size and place of the window."""
        return {"scale": chance.once(self.scale, grid.dims), "place": chance.each(self.place, grid.dims)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the whole image."""
        return {"scale": [1.0] * grid.dims, "place": [0.0] * grid.dims}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the window, edge to edge with the image."""
        scale, sizes = np.array(params["scale"]), np.array(shape)
        first = np.array(params["place"]) * (1 - scale) * sizes + (scale - 1) / 2
        return Pull((Matrix(np.column_stack([np.diag(scale), first])),), shape)


@register
class Zoom(Spatial):
    """Shows the image larger or smaller around its centre."""

    factor: PerAxis = Field(every_axis(uniform(0.9, 1.1)), gt=0, le=20)
    """Factor, above 0 and up to 20; above 1 enlarges. For all axes it is drawn once."""
    keep_size: bool = True
    """The image keeps its size, cut off or with a border; else it grows and shrinks with what it shows.

    A pixel is read from its neighbours: what shrinks much should be blurred before.
    """

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the factor, and the size that it leads to."""
        factor = chance.once(self.factor, grid.dims)
        if self.keep_size:
            return {"factor": factor, "size": None, "shape": list(grid.shape)}
        size = [max(round(number * whole), 1) for number, whole in zip(factor, grid.shape, strict=True)]
        return {"factor": factor, "size": size, "shape": list(grid.shape)}

    def neutral(self, grid: Geometry) -> Params:
        """Return the same size."""
        return {"factor": [1.0] * grid.dims, "size": None, "shape": list(grid.shape)}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the enlarged image."""
        if params["size"] is None:
            return Pull.linear(np.diag(1 / np.array(params["factor"])), shape, shape)
        size = _for_shape(params["size"], params["shape"], shape)
        return Pull.linear(np.diag(np.divide(shape, size)), size, shape)


def _framed(start: ArrayLike, size: ArrayLike, of: Sequence[int], shape: tuple[int, ...]) -> Pull:
    """Return the pull that copies a window, given in pixels of an image of shape `of`, which may lie outside."""
    first = np.array(_for_shape(start, of, shape), float)
    return Pull((Matrix(np.column_stack([np.eye(len(shape)), first])),), _for_shape(size, of, shape))


def _for_shape(numbers: ArrayLike, of: Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return pixels of an image of shape `of` in pixels of another shape, as large in mm.

    Raises:
        FuseError: where that is no whole number.
    """
    scaled = [n * new / old for n, new, old in zip(np.asarray(numbers).tolist(), shape, of, strict=True)]
    if any(number % 1 for number in scaled):
        raise FuseError(
            f"a window of an image of shape {tuple(of)} does not end between pixels of one of shape {shape}",
            expected="images of the same shape, or a whole number of times as large",
        )
    return tuple(int(number) for number in scaled)


def _positive(size: list[int]) -> list[int]:
    if min(size) < 1:
        raise ValueError("expected sizes of 1 pixel or more")
    return size


def _same_axes(size: Sequence[int], grid: Geometry) -> None:
    if len(size) != grid.dims:
        raise FuseError(
            f"{len(size)} sizes for an image of {grid.dims} axes", where="size",
            expected="one for each of " + ", ".join(AXES[-grid.dims :]),
        )  # fmt: skip
