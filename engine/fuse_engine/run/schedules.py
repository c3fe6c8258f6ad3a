"""How the learning rate goes over the training: a function of the step, so there is no state to keep."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from pydantic import Field

from fuse_engine.core.component import Component
from fuse_engine.core.registry import register


class Schedule(Component):
    """Scales the learning rate of the stage."""

    kind: ClassVar[str] = "schedule"

    warm_up: float = Field(0.0, ge=0, lt=1)
    """Share of the training over which the learning rate rises linearly from 0."""

    def factor(self, step: int, steps: int) -> float:
        """Return what the learning rate is multiplied by at `step` (from 0) of `steps`."""
        warm = self.warm_up * steps
        if step + 1 < warm:
            return (step + 1) / warm
        return self.shape((step - warm) / max(1.0, steps - 1 - warm) if step > warm else 0.0)

    @abstractmethod
    def shape(self, part: float) -> float:
        """Return the factor after the warm-up; `part` goes from 0 to 1."""


@register
class Constant(Schedule):
    """The same learning rate all along, after the warm-up."""

    def shape(self, part: float) -> float:
        """Return 1."""
        return 1.0


@register
class Cosine(Schedule):
    """Half a cosine from the full learning rate down to a share of it."""

    final: float = Field(0.0, ge=0, le=1)
    """Share of the learning rate at the end."""

    def shape(self, part: float) -> float:
        """Return the cosine."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * part)) / 2


@register
class OneCycle(Schedule):
    """Up from a share of the learning rate to the whole along a cosine, then down to almost nothing."""

    start: float = Field(0.04, gt=0, le=1)
    """Share of the learning rate at the beginning."""
    final: float = Field(1e-4, gt=0, le=1)
    """Share of the learning rate at the end."""
    rise: float = Field(0.3, gt=0, lt=1)
    """Share of the training in which it rises."""

    def shape(self, part: float) -> float:
        """Return the cycle."""
        low, way = (self.start, part / self.rise) if part < self.rise else (
            self.final, (1 - part) / (1 - self.rise)
        )  # fmt: skip
        return low + (1 - low) * (1 - math.cos(math.pi * way)) / 2


@register
class Step(Schedule):
    """Times a factor at given parts of the training."""

    at: list[float] = Field([0.5, 0.75])
    """Parts of the training, from 0 to 1, after which the learning rate falls."""
    factor_each: float = Field(0.1, gt=0, lt=1)
    """What it is multiplied by each time."""

    def shape(self, part: float) -> float:
        """Return the factor to the power of the parts passed."""
        return float(self.factor_each ** sum(part >= place for place in self.at))
