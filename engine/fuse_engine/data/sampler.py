"""Which samples form each batch of an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.random import stream


@dataclass(frozen=True)
class BatchSampler:
    """Draws the batches of an epoch; the same (seed, epoch) gives the same batches everywhere."""

    ids: Sequence[str]
    size: int
    """Samples in a batch."""
    seed: int
    labels: Mapping[str, int] | None = None
    """Class of each sample; with it every batch holds the classes in fixed shares."""
    weights: Sequence[float] | None = None
    """Relative share of class 0, 1, ...; equal for the classes there are where empty."""

    def __post_init__(self) -> None:
        """Check that every class that has a share also has samples.

        Raises:
            FuseError: naming the class; `SampleError` for a sample without one.
        """
        if not self.ids:
            raise FuseError("there is no sample to draw from")
        if self.size < 1:
            raise FuseError("a batch holds at least one sample", got=str(self.size))
        if self.labels is None:
            return
        for name in self.ids:
            if name not in self.labels:
                raise SampleError("the sample has no class", sample=name)
        self._shares(self._members())

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        full, rest = divmod(len(self.ids), self.size)
        # a batch of one has no spread that a layer could normalise by
        lonely = rest == 1 and full > 0 and not self.labels
        return full + (rest > 0 and not lonely)

    def batches(self, epoch: int) -> list[list[str]]:
        """Return the ids of each batch.

        Without classes every sample comes once and the last batch may be smaller; where a single sample would be
        left for it, another one each epoch, there is none. With classes every batch is full; the samples of a
        class come again when all of them have come.
        """
        members = self._members()
        if not members:
            order = self._shuffled(self.ids, epoch, "all", 0)
            return [order[number * self.size :][: self.size] for number in range(len(self))]
        shares = self._shares(members)
        queues = {label: self._endless(members[label], epoch, label) for label in shares}
        batches = []
        for number, counts in enumerate(_counts(shares, self.size, len(self))):
            drawn = [next(queues[label]) for label, count in counts.items() for _ in range(count)]
            batches.append(self._shuffled(drawn, epoch, "batch", number))
        return batches

    def _members(self) -> dict[int, list[str]]:
        """Return the samples of each class; nothing where there are no classes."""
        labels, members = self.labels or {}, dict[int, list[str]]()
        for name in self.ids if labels else ():
            members.setdefault(labels[name], []).append(name)
        return dict(sorted(members.items()))

    def _shares(self, members: Mapping[int, Sequence[str]]) -> dict[int, float]:
        """Return the share of each class that is drawn; they add up to 1."""
        weights = dict(enumerate(self.weights)) if self.weights else dict.fromkeys(members, 1.0)
        for label in members:
            if label not in weights:
                raise FuseError(
                    f"class {label} has no weight", expected=f"{label + 1} weights", got=str(len(weights))
                )
        for label, weight in weights.items():
            if weight < 0 or not np.isfinite(weight):
                raise FuseError(f"the weight of class {label} must be 0 or more", got=str(weight))
            if weight and label not in members:
                raise FuseError(f"class {label} has a weight but no sample")
        total = sum(weights.values())
        if not total:
            raise FuseError("every class has weight 0")
        return {label: weight / total for label, weight in weights.items() if weight}

    def _endless(self, members: Sequence[str], epoch: int, label: int) -> Iterator[str]:
        turn = 0
        while True:
            yield from self._shuffled(members, epoch, f"class {label}", turn)
            turn += 1

    def _shuffled(self, names: Sequence[str], epoch: int, purpose: str, turn: int) -> list[str]:
        order = stream(self.seed, epoch, "batches", purpose, turn).permutation(len(names))
        return [names[index] for index in order]


def _counts(shares: Mapping[int, float], size: int, batches: int) -> Iterator[dict[int, int]]:
    """Yield how many samples of each class a batch holds, by largest remainder.

    What a batch could not give a class is owed to it, so over an epoch every class gets its share to within one.
    """
    owed = dict.fromkeys(shares, 0.0)
    for _ in range(batches):
        for label, share in shares.items():
            owed[label] += share * size
        counts = dict.fromkeys(shares, 0)
        for _ in range(size):
            label = max(owed, key=lambda label: (round(owed[label], 9), -label))
            counts[label] += 1
            owed[label] -= 1
        yield counts
