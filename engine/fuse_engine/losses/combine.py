"""Losses that hold others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Loss, Place, nothing


class Holder(Loss):
    """A loss that reads a batch through the losses it holds."""

    @abstractmethod
    def held(self) -> list[tuple[Place, Loss]]:
        """Return the losses that this one holds, each with its place below this one."""

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return how much each sample (batch,) counts where it counts most.

        Raises:
            FuseError: when a key is missing.
        """
        return torch.stack([loss.counted(batch, count) for _, loss in self.held()]).amax(0)

    def __call__(self) -> Tensor:
        """Refuse: there is nothing to compute without a batch.

        Raises:
            FuseError: always.
        """
        raise FuseError(f"{self.name()} reads what its losses read", expected="a batch: `compute(batch)`")


@register
class Mixture(Holder):
    """The sum of several losses, each times its own weight."""

    losses: list[Annotated[Loss, Slot("loss")]] = Field(min_length=1)
    """Losses to add up; each has its `weight`, and its `class_weight_power` where it has classes."""

    def held(self) -> list[tuple[Place, Loss]]:
        """Return the losses that are added up."""
        return [(("losses", index, loss.name()), loss) for index, loss in enumerate(self.losses)]

    def of(self, batch: NestedDict, step: int | None, weights: Tensor | None) -> Tensor:
        """Return the sum of the losses.

        Raises:
            FuseError: naming the loss that cannot be computed.
        """
        first, *rest = (placed(place, loss, batch, step, weights) for place, loss in self.held())
        return sum(rest, first)


@register
class WarmUp(Holder):
    """A loss that counts only after the first training steps; in validation it always counts.

    The steps are those of the run: a run that is continued goes on counting, and losses of validations, which are
    compared with each other, are the same before and after.
    """

    loss: Annotated[Loss, Slot("loss")]
    """Loss that waits."""
    steps: int = Field(ge=0)
    """Training steps (batches) without it."""

    def held(self) -> list[tuple[Place, Loss]]:
        """Return the loss that waits."""
        return [(("loss", self.loss.name()), self.loss)]

    def of(self, batch: NestedDict, step: int | None, weights: Tensor | None) -> Tensor:
        """Return the loss, or a 0 with a slope of 0 while it waits.

        Raises:
            FuseError: naming the field that cannot be computed.
        """
        if step is not None and step < self.steps:
            return nothing(batch[key] for key in self.reads())
        place, loss = self.held()[0]
        return placed(place, loss, batch, step, weights)


def placed(place: Place, loss: Loss, batch: NestedDict, step: int | None, weights: Tensor | None) -> Tensor:
    """Return a held loss's share; what goes wrong names its place."""
    try:
        return loss.compute(batch, step, weights)
    except FuseError as error:
        where = ".".join(map(str, place))
        raise FuseError(
            *(replace(problem, where=f"{where}.{problem.where}".rstrip(".")) for problem in error.problems)
        ) from error
