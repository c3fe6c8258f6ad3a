"""Which batches every epoch holds, stage by stage."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain

from fuse_engine.data.sampler import BatchSampler


@dataclass(frozen=True)
class Timetable:
    """The batches of a training: those of each stage come from a sampler of its own."""

    stages: Sequence[tuple[BatchSampler, int]]
    """Sampler and number of epochs of each stage."""

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self._ends)

    @property
    def steps(self) -> int:
        """Number of steps of all epochs."""
        return self._ends[-1]

    def start(self, epoch: int) -> int:
        """Return the number of steps before an epoch."""
        return self._ends[epoch - 1] if epoch else 0

    def epoch_of(self, step: int) -> int:
        """Return the epoch that a step belongs to; the last one when all are done."""
        return min(bisect_right(self._ends, step), self.epochs - 1)

    def ends_at(self, step: int) -> bool:
        """Say whether an epoch is over when that many steps are done."""
        return step > 0 and step == self.start(bisect_right(self._ends, step))

    def batches(self, epoch: int) -> Sequence[list[str]]:
        """Return the ids of each batch of an epoch."""
        return self._samplers[epoch].batches(epoch)

    @cached_property
    def _samplers(self) -> list[BatchSampler]:
        return list(chain.from_iterable([sampler] * epochs for sampler, epochs in self.stages))

    @cached_property
    def _ends(self) -> list[int]:
        """Steps done at the end of each epoch."""
        return list(accumulate(len(sampler) for sampler in self._samplers))
