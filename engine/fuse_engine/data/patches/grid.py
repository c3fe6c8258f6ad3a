"""Patches that cover a sample without chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from pydantic import Field, model_validator

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.patches.base import Box, Keep, Patches, centred, compute_now, shape_of


def grid_boxes(shape: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> list[Box]:
    """Return boxes that cover an image ([z,] y, x); the last along an axis is moved inside, so none reaches out.

    Along an axis that is shorter than the box there is one box, centred.

    Raises:
        SampleError: when the number of axes differs.
    """
    if len(shape) != len(size):
        raise SampleError(
            f"patches of {len(size)} axes cannot be cut from an image of {len(shape)}",
            expected=f"a size of {len(shape)} numbers", got=str(list(size)),
        )  # fmt: skip
    starts = [_starts(n, patch, step) for n, patch, step in zip(shape, size, stride, strict=True)]
    return [centred(Box(start, tuple(size)), shape) for start in itertools.product(*starts)]


def _starts(length: int, size: int, stride: int) -> list[int]:
    last = max(length - size, 0)
    return sorted({*range(0, last, stride), last})


@register
class GridPatches(Patches):
    """Cuts a sample into patches on a regular grid, without chance in where they lie."""

    per_sample: int | None = Field(1, ge=1, le=1024)
    """Most patches of a sample in an epoch, all where empty; a batch holds up to this many times its size. Where
    there are more, the others come in the next epochs, until each came once."""
    size: list[int] = Field([64, 64], min_length=2, max_length=3)
    """Pixels of a patch along (z, y, x), or (y, x) in 2-D."""
    stride: list[int] = Field([])
    """Pixels from one patch to the next; the size where empty, so that patches do not overlap."""

    @model_validator(mode="after")
    def _covers(self) -> GridPatches:
        if min(self.size) < 1:
            raise ValueError("expected sizes of 1 or more")
        if self.stride and len(self.stride) != len(self.size):
            raise ValueError(f"expected {len(self.size)} strides, one for each axis of the size")
        if any(not 0 < step <= n for step, n in zip(self.stride, self.size, strict=False)):
            raise ValueError("expected strides from 1 to the size, else pixels between two patches are lost")
        return self

    def boxes(self, sample: NestedDict, rng: np.random.Generator, keep: Keep = compute_now) -> list[Box]:
        """Return the patches, the last axis fastest."""
        return self.cover(shape_of(sample, len(self.size)))

    def cover(self, shape: tuple[int, ...]) -> list[Box]:
        """Return the same patches."""
        return grid_boxes(shape, self.size, self.stride or self.size)


@register
class Crops(Patches):
    """Cuts a sample into n parts along every axis, all of one size, as Musket's `crops` does.

    Where n does not divide the size, the last part is moved inside, so that no pixel is lost (Musket leaves the
    remainder out).
    """

    n: int = Field(2, ge=1, le=64)
    """Parts along every axis; a 2-D image gives n x n."""

    def boxes(self, sample: NestedDict, rng: np.random.Generator, keep: Keep = compute_now) -> list[Box]:
        """Return the parts: row by row, the last axis fastest."""
        return self.cover(shape_of(sample))

    def cover(self, shape: tuple[int, ...]) -> list[Box]:
        """Return the same parts."""
        size = [math.ceil(length / self.n) for length in shape]
        starts = itertools.product(*([part * step for part in range(self.n)] for step in size))
        return [centred(Box(start, tuple(size)), shape) for start in starts]
