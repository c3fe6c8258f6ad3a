"""Which samples form each batch of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.data.shares import Length, class_shares, counts_per_batch, length_for

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BatchSampler:
    """Draws the batches of an epoch; the same (seed, epoch) gives the same batches everywhere.

    Where several processes train together (`world`), each takes its `rank`'s part of every batch: all draw the
    same plan, and their parts are disjoint and make up the batch that one process would have.
    """

    ids: Sequence[str]
    size: int
    """Samples in a batch, of all processes together."""
    seed: int
    labels: Sequence[int] | Ints | None = None
    """Class of each sample; with it every batch is full and holds the classes in given shares."""
    weights: Sequence[float] = ()
    """Relative share of class 0, 1, ...; equal for the classes there are where empty."""
    counts: Sequence[int] = ()
    """Samples of class 0, 1, ... in every batch, instead of weights."""
    probabilities: Sequence[float] = ()
    """Probability of class 0, 1, ... for each place of a batch, instead of weights."""
    length: Length = None
    """Batches of an epoch: as many as the samples fill where empty; only with classes."""
    drop_last: bool = False
    """Leave out a last batch that is not full."""
    names: Sequence[str] = ()
    """Names of the classes, for messages."""
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        """Check that every class that has a share also has samples, and plan the epoch.

        Raises:
            FuseError: naming the class, or what does not fit.
        """
        if not len(self.ids):
            raise FuseError("there is no sample to draw from")
        if self.size < 1:
            raise FuseError("a batch holds at least one sample", got=str(self.size))
        if self.size % self.world:
            raise FuseError(
                f"a batch of {self.size} cannot be shared by {self.world} processes", where="data.batch.size",
                expected=f"a multiple of {self.world}",
            )  # fmt: skip
        if self.labels is not None and len(self.labels) != len(self.ids):
            raise FuseError("every sample needs a class", expected=str(len(self.ids)), got=str(len(self.labels)))
        if not len(self):
            raise FuseError(
                f"{len(self.ids)} samples fill no batch of {self.size}", where="data.batch.size",
                expected="smaller batches, or drop_last: false",
            )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        if self.labels is not None:
            return self._length
        full, rest = divmod(len(self.ids), self.size)
        # a process that gets one sample has no spread that a layer could normalise by
        lonely = rest < 2 * self.world and full > 0
        return full + (rest >= self.world and not lonely and not self.drop_last)

    def batches(self, epoch: int) -> Epoch:
        """Return the batches of an epoch.

        Without classes every sample comes once and the last batch may be smaller; where a single sample would be
        left for it, another one each epoch, there is none. With classes every batch is full; the samples of a
        class come again when all of them have come.
        """
        if self.labels is None:
            order = stream(self.seed, epoch, "batches", "all", 0).permutation(len(self.ids))
            return Epoch(self, epoch, [order], self._even)
        counts = self._drawn(epoch) if self.probabilities else self._planned
        totals = counts.sum(0)
        queues = [self._queue(label, int(total), epoch) for label, total in zip(self._shares, totals, strict=True)]
        ends = np.concatenate([np.zeros((1, len(totals)), np.int64), counts.cumsum(0)])
        return Epoch(self, epoch, queues, ends)

    @cached_property
    def _members(self) -> dict[int, Ints]:
        """Positions of the samples of each class, by class."""
        labels = np.asarray(self.labels)
        known, counts = np.unique(labels, return_counts=True)
        found = np.split(np.argsort(labels, kind="stable"), counts.cumsum()[:-1])
        return dict(zip(known.tolist(), found, strict=True))

    @cached_property
    def _shares(self) -> dict[int, float]:
        """Share of each class that is drawn; they add up to 1."""
        return class_shares(
            list(self._members), self.size, self.names,
            weights=self.weights, counts=self.counts, probabilities=self.probabilities,
        )  # fmt: skip

    @cached_property
    def _length(self) -> int:
        sizes = [len(self._members[label]) for label in self._shares]
        return length_for(list(self._shares.values()), sizes, self.size, len(self.ids), self.length)

    @cached_property
    def _planned(self) -> Ints:
        """Samples of each class in each batch, (batches, classes); the same in every epoch."""
        return counts_per_batch(list(self._shares.values()), self.size, len(self))

    @cached_property
    def _even(self) -> Ints:
        """Where each batch without classes begins and ends, (batches + 1, 1)."""
        return np.minimum(np.arange(len(self) + 1) * self.size, len(self.ids))[:, None]

    def _drawn(self, epoch: int) -> Ints:
        shares, rng = list(self._shares.values()), stream(self.seed, epoch, "batches", "classes")
        drawn = rng.choice(len(shares), (len(self), self.size), p=shares)
        return np.stack([(drawn == kind).sum(1) for kind in range(len(shares))], 1)

    def _queue(self, label: int, total: int, epoch: int) -> Ints:
        """Return `total` positions of one class: all of them in turn, each turn in another order."""
        members = self._members[label]
        turns = -(-total // len(members))
        purpose = f"class {label}"
        order = [
            stream(self.seed, epoch, "batches", purpose, turn).permutation(len(members)) for turn in range(turns)
        ]
        result: Ints = members[np.concatenate(order)[:total]] if turns else members[:0]
        return result


class Epoch(Sequence[list[str]]):
    """The batches of one epoch; a batch is put together when it is asked for."""

    def __init__(self, sampler: BatchSampler, epoch: int, queues: Sequence[Ints], ends: Ints) -> None:
        """Take the positions of each class in the order they come, and how many come before each batch."""
        self._sampler, self._epoch, self._queues, self._ends = sampler, epoch, queues, ends

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._ends) - 1

    @overload
    def __getitem__(self, number: int) -> list[str]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[str]]: ...
    def __getitem__(self, number: int | slice) -> list[str] | list[list[str]]:
        """Return the ids of a batch, or of several."""
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        return [self._sampler.ids[position] for position in self.positions(number).tolist()]

    def positions(self, number: int) -> Ints:
        """Return where the samples of a batch stand among `ids`: this process's part of it."""
        number = range(len(self))[number]
        first, last = self._ends[number], self._ends[number + 1]
        drawn = np.concatenate(
            [queue[start:end] for queue, start, end in zip(self._queues, first, last, strict=True)]
        )
        sampler = self._sampler
        if sampler.labels is not None:
            drawn = drawn[stream(sampler.seed, self._epoch, "batches", "batch", number).permutation(len(drawn))]
        return drawn[sampler.rank :: sampler.world]
