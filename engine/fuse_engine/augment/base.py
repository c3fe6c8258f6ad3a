"""The base of every augmentation, chance (`sample`) apart from work (`apply`), and what runs a list of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, KeyMissing, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import Key, geometry_key
from fuse_engine.core.random import stream

Params = dict[str, Any]
"""What was drawn, as JSON can hold it."""

RECORD = "data.augmentation"
"""Where a sample says what was done to it."""


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("expected the smaller number first")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Smallest and largest value; drawn evenly in between."""


def _positive(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] <= 0:
        raise ValueError("expected numbers above 0")
    return bounds


def _not_negative(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] < 0:
        raise ValueError("expected numbers from 0 up")
    return bounds


PositiveRange = Annotated[Range, AfterValidator(_positive)]
NonNegativeRange = Annotated[Range, AfterValidator(_not_negative)]


class Augmentation(Component):
    """A random change of images (channel, [z,] y, x) and of the label maps that go with them."""

    kind: ClassVar[str] = "augmentation"

    keys: list[Key] = Field(min_length=1)
    """Images and label maps that are changed together, e.g. `data.input.image`, `data.gt.segmentation`."""
    p: float = Field(1.0, ge=0, le=1)
    """Chance, from 0 to 1, that a sample is changed."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw what will be done to an image on that grid.

        Raises:
            FuseError: when the settings do not fit the number of axes.
        """

    @abstractmethod
    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the changed image or, with `label`, label map (channel, [z,] y, x); `image` stays as it is.

        The same arguments give the same bits, whatever the number of threads.
        """


def uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Draw one number evenly from `bounds`."""
    return float(rng.uniform(*bounds))


@dataclass(frozen=True)
class Applied:
    """What one step did to one sample."""

    step: int
    """Place in the list of augmentations, from 0."""
    name: str
    params: Params | None
    """What was drawn; None where chance left the sample alone."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Applied:
        """Return the entry that a sample's record holds."""
        return cls(int(value["step"]), str(value["name"]), value["params"])


class Augmenter:
    """Augments samples of tensors; chance depends on (seed, epoch, sample id, step) and nothing else."""

    def __init__(self, steps: Sequence[Augmentation], seed: int) -> None:
        """Take the augmentations in their order, and the experiment's seed."""
        self.steps, self.seed = tuple(steps), seed

    def __call__(self, sample: NestedDict, epoch: int) -> NestedDict:
        """Return the sample as it is trained on in that epoch."""
        return self.apply(sample, self.draw(sample, epoch))

    def draw(self, sample: NestedDict, epoch: int) -> list[Applied]:
        """Decide what is done to a sample in an epoch.

        Raises:
            SampleError: naming sample and step, when a key is no image or a step's images do not fit together.
        """
        name = str(sample["data.id"])
        drawn: list[Applied] = []
        for index, step in enumerate(self.steps):
            grid = self._grid(sample, index)
            rng = stream("augmentation", self.seed, epoch, name, index)
            chosen = rng.random() < step.p
            try:
                drawn.append(Applied(index, step.name(), step.sample(rng, grid) if chosen else None))
            except FuseError as error:
                raise _located(error, name, index, step) from None
        return drawn

    def apply(self, sample: NestedDict, applied: Iterable[Applied]) -> NestedDict:
        """Return a new sample with drawn changes applied and recorded; `sample` stays as it is.

        Raises:
            SampleError: when the drawn changes are not those of these augmentations.
        """
        done = list(applied)
        result = sample.copy()
        for item in done:
            step = self._step(item, str(sample["data.id"]))
            for key in step.keys if item.params is not None else ():
                image: Tensor = result[key]
                result[key] = step.apply(image, item.params or {}, label=not image.is_floating_point())
        result[RECORD] = [asdict(item) for item in done]
        return result

    def _step(self, item: Applied, sample: str) -> Augmentation:
        if item.step >= len(self.steps) or self.steps[item.step].name() != item.name:
            names = ", ".join(step.name() for step in self.steps)
            raise SampleError(
                f"step {item.step} of the record is {item.name}", sample=sample, expected=f"the steps {names}"
            )
        return self.steps[item.step]

    def _grid(self, sample: NestedDict, index: int) -> Geometry:
        """Return the grid of a step's first image, 1 mm if unknown; the others must have its proportions."""
        step, name = self.steps[index], str(sample["data.id"])
        try:
            images = [_image(sample, key) for key in step.keys]
        except FuseError as error:
            raise _located(error, name, index, step) from None
        shapes = [tuple(image.shape[1:]) for image in images]
        for key, shape in zip(step.keys, shapes, strict=True):
            if not _proportional(shape, shapes[0]):
                raise SampleError(
                    f"{step.name()} cannot change '{step.keys[0]}' and '{key}' together", f"augmentation.{index}",
                    sample=name, expected="images of the same proportions", got=f"{shapes[0]} and {shape}",
                )  # fmt: skip
        known = geometry_key(step.keys[0])
        return sample[known] if known in sample else Geometry.plain(shapes[0])


def _image(sample: NestedDict, key: str) -> Tensor:
    value = sample[key]
    if not isinstance(value, Tensor) or value.ndim not in (3, 4):
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise KeyMissing(f"'{key}' is no image", expected="a tensor (channel, [z,] y, x)", got=got)
    return value


def _proportional(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if len(shape) != len(other):
        return False
    return all(a * other[0] == b * shape[0] for a, b in zip(shape, other, strict=True))


def _located(error: FuseError, sample: str, index: int, step: Augmentation) -> SampleError:
    where = f"augmentation.{index}.{step.name()}"
    return SampleError(
        *(replace(item, where=f"{where}.{item.where}".rstrip("."), sample=sample) for item in error.problems)
    )
