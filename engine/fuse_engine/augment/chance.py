"""All chance of an augmentation comes from here; it depends on (seed, epoch, sample id, step) and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from fuse_engine.core.distribution import AXES, Distribution, PerAxis
from fuse_engine.core.random import stream


class Chance:
    """The draws of one step for one sample."""

    def __init__(self, *key: int | str) -> None:
        """Take what the stream belongs to."""
        self._key, self._rng = key, stream(*key)

    def inner(self, *key: int | str) -> Chance:
        """Return the chance of a step within this one."""
        return Chance(*self._key, *key)

    def happens(self, p: float) -> bool:
        """Say whether something of probability `p` happens."""
        return bool(self._rng.random() < p)

    def number(self, distribution: Distribution) -> float:
        """Draw a number."""
        return distribution.draw(self._rng)

    def each(self, distribution: PerAxis, dims: int) -> list[float]:
        """Draw a number for each of [z,] y, x.

        Raises:
            ValueError: for an axis without a distribution.
        """
        return [self.number(distribution.of(axis)) for axis in AXES[-dims:]]

    def once(self, distribution: PerAxis, dims: int) -> list[float]:
        """Draw a number for each of [z,] y, x; one for all of them where one distribution stands for all axes.

        Raises:
            ValueError: for an axis without a distribution.
        """
        if distribution.same:
            return [self.number(distribution.of(""))] * dims
        return self.each(distribution, dims)

    def pick(self, weights: Sequence[float]) -> int:
        """Draw an index with a chance in proportion to its weight."""
        total = sum(weights)
        return int(self._rng.choice(len(weights), p=[weight / total for weight in weights]))

    def some(self, count: int, of: int) -> list[int]:
        """Draw `count` different indices below `of`, in their order."""
        return sorted(int(index) for index in self._rng.choice(of, count, replace=False))

    def shuffled(self, items: Sequence[int]) -> list[int]:
        """Return the items in a drawn order."""
        return [items[int(place)] for place in self._rng.permutation(len(items))]

    def seed(self) -> int:
        """Draw 53 bits, for numbers of which there are as many as pixels."""
        return int(self._rng.integers(2**53))


class Extreme(Chance):
    """Chance that always goes to one end: everything happens, every number is the smallest or the largest."""

    def __init__(self, high: bool, *key: int | str) -> None:
        """Take the end; what has no ends, such as noise, is drawn by `key`."""
        super().__init__("extreme", *key)
        self._high, self._rest = high, key

    def inner(self, *key: int | str) -> Extreme:
        """Return the chance of a step within this one."""
        return Extreme(self._high, *self._rest, *key)

    def happens(self, p: float) -> bool:
        """Say yes to all that can happen."""
        return p > 0

    def number(self, distribution: Distribution) -> float:
        """Return the end."""
        return distribution.high if self._high else distribution.low
