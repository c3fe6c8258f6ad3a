"""Deals groups of samples to folds so that each holds its share of every class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_RUN = 16
"""Alike groups in a row from which on they are dealt all at once."""
_DIGITS = 12
"""Decimals of the costs that count: what differs less is equal, and the smaller fold gets the group."""
_EQUAL = 2 * 10.0**-_DIGITS
"""Costs further apart differ in these decimals, so that most need not be rounded."""


@dataclass(frozen=True, eq=False)
class Deck:
    """The groups of a cohort: how many samples of each class they hold."""

    sizes: Ints
    """Samples of each group, (groups,)."""
    starts: Ints
    """Where the entries of each group begin, (groups + 1,)."""
    classes: Ints
    """Class of each entry, group by group."""
    counts: Ints
    """Samples of that class in that group."""
    totals: Ints
    """Samples of each class, (classes,)."""
    rarest: Ints
    """Rank of the rarest class of each group among all classes, from the rarest on, (groups,)."""

    @classmethod
    def of(cls, groups: Ints, classes: Ints, names: Sequence[str]) -> Deck:
        """Take the group and the class of each sample; `names` are those of the classes."""
        width = len(names)
        keys, counts = np.unique(groups * width + classes, return_counts=True)
        owners, kinds = np.divmod(keys, width)
        sizes, totals = np.bincount(groups), np.bincount(classes, minlength=width)
        starts = np.searchsorted(owners, np.arange(len(sizes) + 1))
        rank = np.empty(width, np.int64)
        rank[sorted(range(width), key=lambda kind: (totals[kind], names[kind]))] = np.arange(width)
        return cls(sizes, starts, kinds, counts, totals, np.minimum.reduceat(rank[kinds], starts[:-1]))

    def order(self, names: pa.Array, rng: np.random.Generator) -> Ints:
        """Return the groups in the order they are dealt: the largest and rarest first, else by chance."""
        shuffled = pc.sort_indices(names).to_numpy().astype(np.int64)
        rng.shuffle(shuffled)
        result: Ints = shuffled[np.lexsort((self.rarest[shuffled], -self.sizes[shuffled]))]
        return result


class _Table:
    """What each fold holds so far."""

    def __init__(self, deck: Deck, shares: Sequence[float]) -> None:
        self._shares = [float(share) for share in shares]
        self._starts, self._classes, self._counts = (
            values.tolist() for values in (deck.starts, deck.classes, deck.counts)
        )
        self._squares: list[int] = [int(total) ** 2 for total in deck.totals]
        self._held = [[0] * len(deck.totals) for _ in shares]
        self._sizes = [0] * len(shares)

    def give(self, group: int) -> int:
        """Give one group to the fold where the squares of the class shares grow least, then to the smallest."""
        entries = range(self._starts[group], self._starts[group + 1])
        costs = [self._cost(fold, entries) for fold in range(len(self._sizes))]
        least = min(costs) + _EQUAL
        close = [fold for fold, cost in enumerate(costs) if cost <= least]
        fold = close[0]
        if len(close) > 1:
            fold = min(close, key=lambda fold: (round(costs[fold], _DIGITS), self._filled(fold)))
        for entry in entries:
            self._add(fold, self._classes[entry], self._counts[entry])
        return fold

    def _filled(self, fold: int) -> float:
        return self._sizes[fold] / self._shares[fold]

    def _cost(self, fold: int, entries: range) -> float:
        held, growth = self._held[fold], 0.0
        for entry in entries:
            kind, count = self._classes[entry], self._counts[entry]
            growth += count * (2 * held[kind] + count) / self._squares[kind]
        return growth / self._shares[fold]

    def _add(self, fold: int, kind: int, count: int) -> None:
        self._held[fold][kind] += count
        self._sizes[fold] += count

    def give_run(self, kind: int, size: int, times: int) -> Ints:
        """Give `times` groups of `size` samples of one class, one after the other; return their folds.

        A fold's cost only grows with what it holds, so the groups go to the cheapest of all (fold, turn) in order.
        """
        folds = len(self._sizes)
        turns = min(times, times // folds + _RUN)
        while True:
            chosen = self._cheapest(kind, size, turns)[:times]
            taken = np.bincount(chosen, minlength=folds)
            if turns == times or taken.max() < turns:
                break
            turns = min(times, 2 * turns)
        for fold in range(folds):
            self._add(fold, kind, int(taken[fold]) * size)
        return chosen

    def _cheapest(self, kind: int, size: int, turns: int) -> Ints:
        folds = np.repeat(np.arange(len(self._sizes)), turns)
        before = np.tile(np.arange(turns) * size, len(self._sizes))
        held = np.asarray([held[kind] for held in self._held])[folds] + before
        shares = np.asarray(self._shares)[folds]
        cost = np.round(size * (2 * held + size) / self._squares[kind] / shares, _DIGITS)
        sizes = (np.asarray(self._sizes)[folds] + before) / shares
        return folds[np.lexsort((folds, sizes, cost))]


def deal(
    groups: Ints, names: pa.Array, classes: Ints, kinds: Sequence[str], shares: Sequence[float],
    rng: np.random.Generator,
) -> NDArray[np.int32]:  # fmt: skip
    """Return the fold of each sample; folds hold `shares` of all and of each class as nearly as groups allow.

    `groups` and `classes` are positions in `names` and `kinds`; every group and class has a sample.
    """
    deck = Deck.of(groups, classes, kinds)
    order = deck.order(names, rng)
    table, fold_of = _Table(deck, shares), np.empty(len(deck.sizes), np.int32)
    plain = np.diff(deck.starts)[order] == 1
    kind = np.where(plain, deck.classes[deck.starts[:-1][order]], -1)
    size = deck.sizes[order]
    same = plain[1:] & plain[:-1] & (kind[1:] == kind[:-1]) & (size[1:] == size[:-1])
    edges = [0, *(np.flatnonzero(~same) + 1).tolist(), len(order)]
    for first, last in pairwise(edges):
        if last - first >= _RUN:
            fold_of[order[first:last]] = table.give_run(int(kind[first]), int(size[first]), last - first)
        else:
            for group in order[first:last].tolist():
                fold_of[group] = table.give(group)
    return fold_of[groups]


def fill_empty(fold: NDArray[np.int32], groups: Ints, folds: int) -> NDArray[np.int32]:
    """Return the folds with a group in each that none was dealt to: the smallest group of the fold with most.

    A fold stays empty where the others have only one group each.
    """
    result = fold.copy()
    firsts = np.unique(groups, return_index=True)[1]
    sizes = np.bincount(groups)
    for empty in set(range(folds)) - set(result.tolist()):
        held = np.bincount(result[firsts], minlength=folds)
        giver = int(held.argmax())
        if held[giver] < 2:
            break
        members = np.flatnonzero(result[firsts] == giver)
        smallest = members[sizes[members].argmin()]
        result[groups == smallest] = empty
    return result
