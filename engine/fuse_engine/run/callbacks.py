"""What else happens during training.

A callback is a frozen component, so what it remembers is in the `memory` it is given: a dict of plain data that
is saved with every checkpoint, which makes a continued run go on as if nothing had been. Its two methods may
return a text: training then ends as finished, for that reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from fuse_engine.core.component import Component
from fuse_engine.core.registry import register


@dataclass(frozen=True)
class BatchReport:
    """One training step that is done."""

    epoch: int
    step: int
    losses: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class EpochReport:
    """One epoch that is done; `values` by name, e.g. `validation.metrics.auc.macro_avg`."""

    epoch: int
    step: int
    values: Mapping[str, float]
    best: bool


class Callback(Component):
    """Follows the training; both methods do nothing unless a callback defines them."""

    kind: ClassVar[str] = "callback"

    def watches(self) -> tuple[str, ...]:
        """Return the names of the values it needs, so that they are checked before training."""
        return ()

    def on_batch(self, report: BatchReport, memory: dict[str, Any]) -> str | None:
        """Follow a step; a text ends the training."""
        return None

    def on_epoch(self, report: EpochReport, memory: dict[str, Any]) -> str | None:
        """Follow an epoch, after validation; a text ends the training."""
        return None


@register
class EarlyStopping(Callback):
    """Ends the training when a value has not become better for some epochs."""

    monitor: str = "validation.losses.total_loss"
    """Value to follow: `validation.losses.<name>` or `validation.metrics.<name>[.<part>]`."""
    patience: int = Field(5, ge=1)
    """Epochs without a better value."""
    optimization: Literal["min", "max"] = "min"
    """Whether smaller or larger is better."""
    minimum_change: float = Field(0.0, ge=0)
    """Smallest difference that counts as better."""

    def watches(self) -> tuple[str, ...]:
        """Return the monitored value."""
        return (self.monitor,)

    def on_epoch(self, report: EpochReport, memory: dict[str, Any]) -> str | None:
        """Count the epochs since the best one."""
        sign = 1 if self.optimization == "min" else -1
        value = sign * report.values.get(self.monitor, math.nan)
        if value < memory.get("best", math.inf) - self.minimum_change:
            memory.update(best=value, waited=0)
            return None
        memory["waited"] = memory.get("waited", 0) + 1
        if memory["waited"] < self.patience:
            return None
        return f"{self.monitor} has not become better for {self.patience} epochs"


@register
class TimeLimit(Callback):
    """Ends the training after some time of computing."""

    minutes: float = Field(60.0, gt=0)
    """Time of all batches together, over all continuations of the run."""

    def on_batch(self, report: BatchReport, memory: dict[str, Any]) -> str | None:
        """Add up the seconds."""
        memory["seconds"] = memory.get("seconds", 0.0) + report.seconds
        return (
            f"the limit of {self.minutes:g} minutes is reached" if memory["seconds"] > self.minutes * 60 else None
        )
