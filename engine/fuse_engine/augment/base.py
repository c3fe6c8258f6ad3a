"""The base of every augmentation: chance (`sample`) apart from work (`apply`)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field
from torch import Tensor

from fuse_engine.core.component import Component
from fuse_engine.core.keys import Key

Params = dict[str, Any]
"""What was drawn, as JSON can hold it."""


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
    """Chance that a sample is changed."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Params:
        """Draw what will be done to an image of that spatial shape ([z,] y, x).

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
