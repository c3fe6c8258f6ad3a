"""Patches at random places, where it matters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.patches.base import Box, Keep, Patches, centred, compute_now, shape_of
from fuse_engine.data.patches.centres import ClassIndex
from fuse_engine.data.patches.grid import grid_boxes


@register
class RandomPatches(Patches):
    """Cuts random patches from every sample, other ones each epoch; their centres can be balanced by class.

    A class is drawn by its weight among those that the label map holds, then one of its pixels, every one as
    likely (InnerEye, crop centres); a patch is moved inside the image, a larger one is centred on it.
    """

    size: list[int] = Field([64, 64], min_length=2, max_length=3)
    """Pixels of a patch along (z, y, x), or (y, x) in 2-D."""
    per_sample: int = Field(1, ge=1, le=1024)
    """Patches of a sample in an epoch; a batch holds this many times its size."""
    balance: Key | None = None
    """Label map whose classes the centres are drawn from, e.g. `data.gt.segmentation`; anywhere where empty."""
    weights: list[float] = Field([])
    """Relative chance of class 0, 1, ... to be the centre; equal where empty."""
    within: Key | None = None
    """Label map that centres must lie in (not 0); anywhere where empty."""

    @model_validator(mode="after")
    def _sound(self) -> RandomPatches:
        if min(self.size) < 1:
            raise ValueError("expected sizes of 1 or more")
        if any(weight < 0 for weight in self.weights) or (self.weights and not sum(self.weights)):
            raise ValueError("expected weights of 0 or more, and one above 0")
        if self.weights and self.balance is None:
            raise ValueError("expected `balance` with `weights`: the label map whose classes they weigh")
        return self

    def boxes(self, sample: NestedDict, rng: np.random.Generator, keep: Keep = compute_now) -> list[Box]:
        """Return the patches that were drawn.

        Raises:
            SampleError: when the sample holds no pixel that a centre may lie on.
        """
        shape = shape_of(sample, len(self.size))
        if self.balance is None and self.within is None:
            return [self._anywhere(shape, rng) for _ in range(self.per_sample)]
        label = self._label(sample)
        index: ClassIndex = keep(f"centres {self.balance} {self.within}", lambda: self._index(label, sample))
        classes, chances = self._chances(index, sample)
        found = []
        for _ in range(self.per_sample):
            item = int(rng.choice(classes, p=chances))
            found.append(self._around(index.draw(label, item, rng), shape))
        return found

    def cover(self, shape: tuple[int, ...]) -> list[Box]:
        """Return patches that overlap by half."""
        return grid_boxes(shape, self.size, [math.ceil(n / 2) for n in self.size])

    def _anywhere(self, shape: tuple[int, ...], rng: np.random.Generator) -> Box:
        start = tuple(int(rng.integers(max(n - size, 0) + 1)) for n, size in zip(shape, self.size, strict=True))
        return centred(Box(start, tuple(self.size)), shape)

    def _around(self, centre: tuple[int, ...], shape: tuple[int, ...]) -> Box:
        start = tuple(at - size // 2 for at, size in zip(centre, self.size, strict=True))
        return centred(Box(start, tuple(self.size)), shape)

    def _label(self, sample: NestedDict) -> NDArray[Any]:
        """Return the classes ([z,] y, x), -1 where no centre may lie."""
        label = None if self.balance is None else _map_of(sample, self.balance)
        if self.within is None:
            assert label is not None  # noqa: S101 boxes() comes here with one of the two
            return label
        inside = _map_of(sample, self.within) != 0
        return np.where(inside, 0 if label is None else label.astype(np.int32), -1)

    def _index(self, label: NDArray[Any], sample: NestedDict) -> ClassIndex:
        try:
            return ClassIndex.of(label)
        except ValueError as error:
            raise SampleError(
                f"'{self.balance}' is no label map of classes: {error}", sample=str(sample["data.id"])
            ) from None

    def _chances(self, index: ClassIndex, sample: NestedDict) -> tuple[list[int], NDArray[np.float64]]:
        classes = [int(item) for item in index.classes]
        name = str(sample["data.id"])
        if not classes:
            raise SampleError(f"'{self.within}' is empty, so no patch can be centred in it", sample=name)
        if self.weights and self.balance is not None and classes[-1] >= len(self.weights):
            raise SampleError(
                f"'{self.balance}' holds the class {classes[-1]}", sample=name,
                expected=f"{classes[-1] + 1} weights, one for each class", got=f"{len(self.weights)}",
            )  # fmt: skip
        weighed = self.weights if self.balance is not None else []
        chances = np.asarray([weighed[item] if weighed else 1.0 for item in classes])
        if not chances.sum():
            raise SampleError(
                "every class of the sample has weight 0", sample=name, expected="a weight above 0 for one of them",
                got=f"classes {', '.join(map(str, classes))}",
            )  # fmt: skip
        return classes, chances / chances.sum()


def _map_of(sample: NestedDict, key: Key) -> NDArray[Any]:
    value = sample[key]
    if not isinstance(value, Image) or not value.label:
        raise SampleError(
            f"'{key}' is no label map", sample=str(sample["data.id"]), expected="an image of classes",
            got="an image of intensities" if isinstance(value, Image) else type(value).__name__,
        )  # fmt: skip
    found: NDArray[Any] = value.array[0]
    return found
