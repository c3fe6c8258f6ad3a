"""How far a training is: everything besides weights and optimizer that a continuation needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import accumulate
from typing import Any

from fuse_engine.core.sections import Best, Stage
from fuse_engine.run.evaluation import Sums


@dataclass
class Progress:
    """Changed step by step, saved in every checkpoint as plain data."""

    step: int = 0
    """Steps done."""
    closed: int = 0
    """Epochs done, validation included."""
    best: list[float] = field(default_factory=list)
    """Best values so far, one for each entry of `training.best`; NaN before the first."""
    memory: list[dict[str, Any]] = field(default_factory=list)
    """What each callback remembers."""
    skipped: int = 0
    """Steps skipped in a row because a loss was not finite."""
    sums: Sums = field(default_factory=Sums)
    """Training losses of the open epoch."""
    ended: str = ""
    """Why training ended before its last epoch."""

    def to_state(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**plain, "sums": asdict(self.sums)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Progress:
        """Return the progress that `to_state` described."""
        plain = {item.name: state[item.name] for item in fields(cls)}
        return cls(**{**plain, "sums": Sums(**state["sums"])})


def is_better(rule: Best, value: float, best: float) -> bool:
    """Say whether `value` replaces `best`; a value that is not a number never does."""
    if math.isnan(value):
        return False
    if math.isnan(best) or value == best:
        return math.isnan(best) or rule.on_equal_values == "better"
    return value < best if rule.optimization == "min" else value > best


def stage_of(stages: Sequence[Stage], epoch: int) -> int:
    """Return the position of the stage that an epoch belongs to."""
    ends = accumulate(stage.epochs for stage in stages)
    return next((index for index, end in enumerate(ends) if epoch < end), len(stages) - 1)
