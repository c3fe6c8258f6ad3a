"""Metrics that follow from how often each sample counts, and results as flat figures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from fuse_engine.metrics.base import Metric, Result, Rows

Counts = NDArray[np.uint16]
"""How often each sample counts (b, n), in each of b weightings."""

Weigh = Callable[[Counts], NDArray[np.float64]]
"""Figures (b, f) of b weightings."""

Path = tuple[str, ...]
"""Names of a figure in a nested result, from the outermost one; empty where the result is one figure."""


class Weighted(Metric):
    """A metric of many resamples at the price of few: it is made of how often each sample counts."""

    @abstractmethod
    def paths(self, rows: Rows) -> list[Path]:
        """Return where the figures stand in the result."""

    @abstractmethod
    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures, in the order of `paths`, of weighted samples."""

    def result(self, rows: Rows) -> Result:
        """Return the figures with every sample counted once; NaN where they are undefined."""
        once = np.ones((1, length(rows)), np.uint16)
        return nested(dict(zip(self.paths(rows), self.weighing(rows)(once)[0].tolist(), strict=True)))


def length(rows: Rows) -> int:
    """Return the number of samples."""
    return len(next(iter(rows.values())))


def flattened(result: Result, path: Path = ()) -> dict[Path, float]:
    """Return every figure of a result by its path."""
    if not isinstance(result, Mapping):
        return {path: float(result)}
    return {key: value for name, item in result.items() for key, value in flattened(item, (*path, name)).items()}


def nested(figures: Mapping[Path, Result]) -> Result:
    """Return figures by path as a nested result."""
    if () in figures:
        return figures[()]
    groups: dict[str, dict[Path, Result]] = {}
    for path, value in figures.items():
        groups.setdefault(path[0], {})[path[1:]] = value
    return {name: nested(group) for name, group in groups.items()}


def counted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means (b, f) of the finite ones of values (n, f) in weightings (b, n); NaN where none counts."""
    there = np.isfinite(values)
    total = weights @ there
    return weights @ np.where(there, values, 0.0) / np.where(total > 0, total, np.nan)


def counts_of(counts: Counts, chosen: NDArray[np.bool_]) -> Counts:
    """Return how often the chosen ones of the samples (n,) count."""
    return np.ascontiguousarray(counts[:, chosen])


def unknown_counts(counts: Counts, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say of each weighting (b) whether a sample (n) counts that is not known."""
    return np.asarray(counts[:, ~known].any(axis=1))
