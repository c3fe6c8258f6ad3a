"""Steps that treat the channels of an image apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fuse_engine.core.component import Slot
from fuse_engine.core.errors import SampleError
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Pipeline, Processor, Value, image_of, intensities
from fuse_engine.data.processors.intensity import Normalize
from fuse_engine.data.source import Row


@register
class SelectChannels(Processor):
    """Keeps some channels of an image, in a given order."""

    channels: list[int] = Field([0], min_length=1)
    """Channels to keep, counted from 0."""

    @field_validator("channels")
    @classmethod
    def _from_zero(cls, channels: list[int]) -> list[int]:
        if min(channels) < 0:
            raise ValueError("expected whole numbers of 0 or more")
        return channels

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image of these channels."""
        image = image_of(value, "SelectChannels")
        _require(max(self.channels), image)
        return Image(image.array[self.channels], image.geometry)


@register
class PerChannel(Processor):
    """Works on each channel with a step of its own, e.g. CtWindow on CT and Normalize on PET."""

    steps: dict[str, Annotated[Processor, Slot("processor")]] = Field({"0": Normalize()}, min_length=1)
    """The step of each channel, by the channel's number from 0; channels that are not named stay as they are."""

    @field_validator("steps")
    @classmethod
    def _are_channels(cls, steps: dict[str, Processor]) -> dict[str, Processor]:
        wrong = next((name for name in steps if not (name.isascii() and name.isdigit() and len(name) < 5)), None)
        if wrong is not None:
            raise ValueError(f"expected channels as whole numbers from 0, '{wrong}' is none")
        return steps

    @property
    def unfitted(self) -> bool:
        """Whether a step has still to be fitted."""
        return any(step.unfitted for step in self.steps.values())

    def fit(self, rows: Sequence[Row], before: Pipeline) -> Self:
        """Return the step with each channel's step fitted to that channel."""
        fitted = {
            name: step.fit(rows, Pipeline((*before.steps, SelectChannels(channels=[int(name)])), before.where))
            for name, step in self.steps.items()
        }
        return self.model_copy(update={"steps": fitted})

    def __call__(self, value: Value | None, row: Row) -> Image:
        """Return the image with the named channels changed."""
        image = intensities(value, "PerChannel")
        _require(max(map(int, self.steps)), image)
        channels = list(image.array)
        for name, step in self.steps.items():
            found = step(Image(image.array[int(name)][None], image.geometry), row)
            channels[int(name)] = _same(found, image, f"{step.name()} of channel {name}")
        return Image(np.stack(channels), image.geometry)

    def reads(self, row: Row) -> dict[str, str | Path]:
        """Return what the steps read."""
        return {name: item for step in self.steps.values() for name, item in step.reads(row).items()}

    def sources(self) -> tuple[object, ...]:
        """Name the steps."""
        return tuple(item for step in self.steps.values() for item in (type(step), *step.sources()))


def _require(channel: int, image: Image) -> None:
    if channel >= len(image.array):
        raise SampleError(f"there is no channel {channel}", expected=f"0 to {len(image.array) - 1}")


def _same(found: Value, image: Image, owner: str) -> NDArray[np.float32]:
    """Return the one channel that a step made, on the grid of the image."""
    one = isinstance(found, Image) and not found.label and len(found.array) == 1
    if not isinstance(found, Image) or not one or not found.geometry.near(image.geometry):
        got = " x ".join(map(str, found.array.shape)) if isinstance(found, Image) else type(found).__name__
        raise SampleError(f"{owner} made something else of it", expected="one channel on the same grid", got=got)
    return np.asarray(found.array[0], np.float32)
