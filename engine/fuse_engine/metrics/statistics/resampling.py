"""The bootstrap: figures of samples drawn again and again, with replacement, within strata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.metrics.kernels import bootstrap
from fuse_engine.metrics.statistics.slots import subset
from fuse_engine.metrics.weighted import Counts, Path, Weigh, Weighted, flattened

Numbers = NDArray[np.float64]
_BLOCK = 1 << 17
"""Counts that are held at a time: they stay in the processor's cache."""


class Draws:
    """Resamples as counts; each depends on seed and number alone, whatever is measured on it."""

    def __init__(self, seed: int, resamples: int, strata: NDArray[Any]) -> None:
        """Take the stratum of each sample (n,); a stratum keeps its number of samples."""
        _, places = np.unique(strata, return_inverse=True)
        self._members = np.argsort(places, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(places))]).astype(np.int64)
        self._seed, self.resamples = np.uint64(seed), resamples

    def blocks(self) -> Iterator[tuple[slice, Counts]]:
        """Yield the numbers of some resamples and how often each sample is in them; the array is used again."""
        size = max(1, min(self.resamples, _BLOCK // max(1, len(self._members))))
        counts = np.empty((size, len(self._members)), np.uint16)
        for first in range(0, self.resamples, size):
            some = counts[: self.resamples - first]
            bootstrap.draw(self._seed, first, self._members, self._starts, some)
            yield slice(first, first + len(some)), some


class Figures:
    """The figures of a metric, on the samples as they are and on any weighting of them."""

    def __init__(self, metric: Metric, rows: Rows, paths: Sequence[Path] = ()) -> None:
        """Measure the samples as they are: the figures at `paths`, NaN where there is none; all without them."""
        found = flattened(metric.result(rows))
        self.original: dict[Path, float] = {path: found.get(path, np.nan) for path in paths or found}
        self.weigh: Weigh = self._again(metric, rows)
        if isinstance(metric, Weighted) and list(self.original) == list(found):
            self.weigh = metric.weighing(rows)

    @property
    def paths(self) -> list[Path]:
        """Where the figures stand in the metric's result."""
        return list(self.original)

    @property
    def values(self) -> Numbers:
        """The figures of the samples as they are (f,)."""
        return np.array(list(self.original.values()), float)

    def _again(self, metric: Metric, rows: Rows) -> Weigh:
        """Return what measures the rows of each resample."""

        def weigh(counts: Counts) -> Numbers:
            found = np.full((len(counts), len(self.original)), np.nan)
            for line, figures in zip(counts, found, strict=True):
                chosen = np.repeat(np.arange(len(line)), line)
                result = flattened(metric.result(subset(rows, chosen)))
                figures[:] = [result.get(path, np.nan) for path in self.original]
            return found

        return weigh
