"""Augmentations made of others: in order, one or some of them, again and again, or channel by channel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from fuse_engine.augment.base import Applied, Augmentation, Operation, Scene, Spatial, Together
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.intensity.colour import Coloured
from fuse_engine.core.component import Slot
from fuse_engine.core.distribution import Distribution, constant
from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register

Drawn = tuple[list[Applied], Scene]
"""What is done to a sample, and what it is like afterwards."""


class Combination(Augmentation):
    """Steps within a step; each draws by a chance of its own, and the record names each by its path.

    Steps that were not chosen stand in the record too, with nothing drawn.
    """

    steps: list[Annotated[Augmentation, Slot("augmentation")]] = Field(min_length=1)
    """The augmentations that are combined."""

    def within(self) -> tuple[Augmentation, ...]:
        """Return the steps inside of this one."""
        return tuple(self.steps)

    def decide(self, step: str, chance: Chance, scene: Scene) -> Drawn:
        """Draw which steps are taken, and what they do; those that are not stand last in the record."""
        done: list[Applied] = []
        chosen = self.choose(chance)
        for turn, index in enumerate(chosen):
            # the same step taken twice draws twice
            found, scene = self._one(index, step, chance.inner(index, chosen[:turn].count(index)), scene)
            done += found
        rest = [index for index in range(len(self.within())) if index not in chosen]
        return done + [self._passed(index, step) for index in rest], scene

    @abstractmethod
    def choose(self, chance: Chance) -> list[int]:
        """Draw which of the steps `within` are taken, in their order; one may come several times."""

    def _one(self, index: int, step: str, chance: Chance, scene: Scene) -> Drawn:
        inner = self.within()[index]
        try:
            return inner.draw(f"{step}.{index}", chance, scene)
        except FuseError as error:
            placed = [replace(item, where=self._where(index, item.where)) for item in error.problems]
            raise FuseError(*placed) from None
        except ValueError as error:
            raise FuseError(str(error), where=self._where(index, "")) from None

    def place_of(self, index: int) -> str:
        """Return where the step of that number `within` stands in this one's settings, e.g. `steps.0`."""
        return f"steps.{index}"

    def _where(self, index: int, rest: str) -> str:
        return f"{self.place_of(index)}.{self.within()[index].name()}.{rest}".rstrip(".")

    def _passed(self, index: int, step: str) -> Applied:
        return Applied(f"{step}.{index}", self.within()[index].name(), None)


@register
class Sequential(Combination):
    """Takes its steps one after the other: all of them or, by the chance `p`, none."""

    def choose(self, chance: Chance) -> list[int]:
        """Return all steps."""
        return list(range(len(self.steps)))


@register
class OneOf(Combination):
    """Takes one of its steps."""

    weights: list[float] = Field([])
    """Chance of each step in proportion to the others; all alike where empty."""

    @model_validator(mode="after")
    def _one_weight_each(self) -> Self:
        if not self.weights:
            return self
        if len(self.weights) != len(self.steps):
            raise ValueError(f"expected {len(self.steps)} weights, one for each step, got {len(self.weights)}")
        if min(self.weights) < 0 or not any(self.weights):
            raise ValueError("expected weights from 0 up, not all 0")
        return self

    def choose(self, chance: Chance) -> list[int]:
        """Draw one step."""
        return [chance.pick(self.weights or [1.0] * len(self.steps))]


@register
class SomeOf(Combination):
    """Takes some of its steps, each at most once."""

    count: Distribution = Field(constant(1), ge=0)
    """How many, rounded to a whole number; `{steps: [0, 3, 1]}` draws 0, 1, 2 and 3 alike."""
    shuffle: bool = False
    """Take them in a drawn order instead of the order they stand in."""

    @model_validator(mode="after")
    def _enough_steps(self) -> Self:
        if round(self.count.high) > len(self.steps):
            raise ValueError(f"expected a count up to {len(self.steps)}, the number of steps")
        return self

    def choose(self, chance: Chance) -> list[int]:
        """Draw how many, which, and their order."""
        chosen = chance.some(round(chance.number(self.count)), len(self.steps))
        return chance.shuffled(chosen) if self.shuffle else chosen


@register
class Repeat(Combination):
    """Takes its steps several times, each time with new draws."""

    times: Distribution = Field(constant(2), ge=0, le=100)
    """How many times, rounded to a whole number."""

    def choose(self, chance: Chance) -> list[int]:
        """Draw how many times."""
        return list(range(len(self.steps))) * round(chance.number(self.times))


@register
class Maybe(Combination):
    """Takes its steps by a chance, and others where chance is against it."""

    p: float = Field(0.5, ge=0, le=1)
    """Chance, from 0 to 1, of `steps`; else `otherwise` is taken."""
    otherwise: list[Annotated[Augmentation, Slot("augmentation")]] = Field([])
    """The augmentations that are taken instead; their places in the record follow those of `steps`."""

    def within(self) -> tuple[Augmentation, ...]:
        """Return the steps, then those that may be taken instead."""
        return (*self.steps, *self.otherwise)

    def draw(self, step: str, chance: Chance, scene: Scene) -> Drawn:
        """Decide what is done to a sample; return it and what the sample is like afterwards."""
        return self.decide(step, chance, scene) if self.enabled else ([Applied(step, self.name(), None)], scene)

    def choose(self, chance: Chance) -> list[int]:
        """Draw which of the two it is."""
        first = len(self.steps)
        return list(range(first)) if chance.happens(self.p) else list(range(first, len(self.within())))

    def place_of(self, index: int) -> str:
        """Return where the step of that number `within` stands in this one's settings, e.g. `otherwise.0`."""
        first = len(self.steps)
        return f"steps.{index}" if index < first else f"otherwise.{index - first}"


@register
class PerChannel(Combination):
    """Takes its steps for each channel by itself, each channel with draws of its own.

    InnerEye's `use_different_transformation_per_channel`.
    """

    @model_validator(mode="after")
    def _nothing_beside_images(self) -> Self:
        for inner in _every(self.steps):
            if isinstance(inner, PerChannel):
                raise ValueError("expected no PerChannel within another")
            if isinstance(inner, Together | Coloured):
                raise ValueError(f"expected no {inner.name()}, which changes all channels at once")
            if isinstance(inner, Spatial) and (inner.points or inner.boxes):
                raise ValueError("expected no points or boxes: they cannot go where each channel goes")
        return self

    def choose(self, chance: Chance) -> list[int]:
        """Return all steps."""
        return list(range(len(self.steps)))

    def decide(self, step: str, chance: Chance, scene: Scene) -> Drawn:
        """Draw the steps of the first channel, then those of the next.

        Raises:
            FuseError: when images differ in their channels, a label map would be moved, or a channel would get
                another shape than the others.
        """
        done: list[Applied] = []
        for channel in range(self._channels(scene)):
            found, after = super().decide(step, chance.inner("channel", channel), scene)
            if any(after.grids[key].shape != grid.shape for key, grid in scene.grids.items()):
                raise FuseError(
                    "a channel cannot get another shape than the others", where="steps",
                    expected="steps that keep the image's shape",
                )  # fmt: skip
            done += [replace(item, channel=channel) for item in found]
        return done, scene

    def _channels(self, scene: Scene) -> int:
        """Return how many channels the images have that are changed."""
        counts: dict[str, int] = {}
        for inner in _every(self.steps):
            if not isinstance(inner, Operation):
                continue
            scene.grid(inner.keys)
            labels = [key for key in inner.keys if key in scene.labels]
            if labels and isinstance(inner, Spatial):
                raise FuseError(
                    f"'{labels[0]}' is a label map: it cannot go with each channel", where="steps",
                    expected=f"images alone as keys of {inner.name()}",
                )  # fmt: skip
            counts |= {key: scene.channels[key] for key in inner.keys if key not in scene.labels}
        if len(set(counts.values())) > 1:
            raise FuseError(
                "images with different numbers of channels cannot be changed channel by channel", where="steps",
                expected="as many channels in each", got=", ".join(f"{key}: {n}" for key, n in counts.items()),
            )  # fmt: skip
        return max(counts.values(), default=0)


def _every(steps: Sequence[Augmentation]) -> list[Augmentation]:
    """Return the steps and all within them."""
    return [item for step in steps for item in (step, *_every(step.within()))]
