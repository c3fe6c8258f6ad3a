"""What a way to cut samples into patches has to do, and the cutting itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import SampleError
from fuse_engine.data.image import Image
from fuse_engine.data.processors.cropping import reframe


@dataclass(frozen=True)
class Box:
    """A part of an image in whole pixels along ([z,] y, x); it may reach beyond the image."""

    start: tuple[int, ...]
    """The first pixel."""
    size: tuple[int, ...]
    """Pixels along each axis."""


Blend = Literal["gaussian", "mean", "crop"]

Keep = Callable[[str, Callable[[], Any]], Any]
"""Returns what is kept under a name, or computes and keeps it; for what depends on the sample alone."""


def compute_now(name: str, compute: Callable[[], Any]) -> Any:
    """Keep nothing."""
    return compute()


class Patches(Component):
    """Cuts every sample into parts that are trained on one by one."""

    kind: ClassVar[str] = "patches"

    blend: Blend = "gaussian"
    """How predictions of overlapping patches are joined: the middle of each counts most, all alike, or one."""
    per_sample: int | None = Field(None, ge=1, le=1024)
    """Most patches of a sample in an epoch, all where empty; a batch holds up to this many times its size. Where
    there are more, the others come in the next epochs, until each came once."""

    @abstractmethod
    def boxes(self, sample: NestedDict, rng: np.random.Generator, keep: Keep = compute_now) -> list[Box]:
        """Return the parts of one sample; the same sample and stream give the same parts.

        Where there are more than `per_sample`, `PatchDataset` takes that many in an epoch.

        Raises:
            SampleError: when the sample cannot be cut this way.
        """

    @abstractmethod
    def cover(self, shape: tuple[int, ...]) -> list[Box]:
        """Return the parts of an image of that size ([z,] y, x) that are predicted; together they cover it.

        Raises:
            SampleError: when the number of axes differs.
        """


def shape_of(sample: NestedDict, dims: int | None = None) -> tuple[int, ...]:
    """Return the size ([z,] y, x) that all images of a sample share; those without `dims` axes do not count.

    Raises:
        SampleError: when there is no image, or two differ in size.
    """
    found = {key: image.geometry.shape for key, image in _images(sample, dims).items()}
    if not found:
        raise SampleError(
            "there is nothing to cut patches from", expected=f"an image of {dims or '2 or 3'} axes",
            sample=str(sample["data.id"]),
        )  # fmt: skip
    first, *others = found
    for key in others:
        if found[key] != found[first]:
            raise SampleError(
                f"'{key}' and '{first}' cannot be cut alike", sample=str(sample["data.id"]),
                expected=f"images of one size, e.g. by the same steps: {found[first]}", got=str(found[key]),
            )  # fmt: skip
    return found[first]


def cut(sample: NestedDict, box: Box) -> NestedDict:
    """Return the part of a sample in a box; what is no image of as many axes stays as it is.

    Where the box reaches beyond the image, images go on with their smallest value, label maps with 0.
    """
    result = sample.copy()
    for key, image in _images(sample, len(box.start)).items():
        result[key] = cut_image(image, box)
    return result


def cut_image(image: Image, box: Box) -> Image:
    """Return the part of an image in a box, in its right place; a view where the box lies inside."""
    shape = image.geometry.shape
    ends = [start + size for start, size in zip(box.start, box.size, strict=True)]
    if min(box.start) < 0 or any(end > n for end, n in zip(ends, shape, strict=True)):
        return reframe(image, box.start, box.size, fill=0.0 if image.label else float(image.array.min()))
    inside = tuple(slice(start, end) for start, end in zip(box.start, ends, strict=True))
    grid = image.geometry
    origin = grid.point(tuple(map(float, box.start)))
    return Image(image.array[(slice(None), *inside)], replace(grid, size=tuple(reversed(box.size)), origin=origin))


def centred(box: Box, shape: Sequence[int]) -> Box:
    """Return the box moved inside an image of `shape`; along axes where it is larger, centred on the image."""
    start = tuple(
        min(max(at, 0), n - size) if n >= size else (n - size) // 2
        for at, size, n in zip(box.start, box.size, shape, strict=True)
    )
    return Box(start, box.size)


def _images(sample: NestedDict, dims: int | None) -> dict[str, Image]:
    return {
        key: value
        for key, value in sample.items()
        if isinstance(value, Image) and dims in (None, value.geometry.dims)
    }
