"""Figures of classes decided on: the most probable one, or by thresholds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.metrics.base import Rows, class_names, mean_defined
from fuse_engine.metrics.classification.scored import ABSENT, Classified, plain_rows, probable_rows
from fuse_engine.metrics.kernels import bootstrap
from fuse_engine.metrics.weighted import Counts, Weigh

Table = NDArray[np.float64]
"""Samples (b, true class, predicted class), or with several labels (b, label, true 0 or 1, predicted 0 or 1)."""
HALF = 0.5


class Decided(Classified):
    """A figure of the classes that are decided on at an operating point."""

    each: ClassVar[str] = "1 where right, 0 where wrong"

    thresholds: dict[str, float] = Field({})
    """The operating point, e.g. `{positive: 0.3}`, by the names of the classes or their numbers, the most urgent
    first: the first that reaches its threshold is decided on, else the most probable one that is not listed, else
    the last one listed. Empty: the most probable class. With several labels, 0.5 for those that are not listed."""

    @field_validator("thresholds")
    @classmethod
    def _shares(cls, value: dict[str, float]) -> dict[str, float]:
        for name, threshold in value.items():
            if not 0 <= threshold <= 1:
                raise ValueError(f"expected thresholds from 0 to 1, that of '{name}' is {threshold:g}")
        return value

    @abstractmethod
    def figures(self, table: Table) -> NDArray[np.float64]:
        """Return the figures (b, f) of tables of samples."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep predictions and truth of each sample; logits will do for the most probable class.

        Raises:
            FuseError: when shapes, classes or thresholds do not fit, or `pred` is not the probabilities needed.
        """
        several = bool(self.thresholds) or target.shape == pred.shape or pred.shape[1:] == (1,)
        if several:
            rows = probable_rows(pred, target, self.pred, self.target, self.names, self.missing)
        else:
            rows = plain_rows(pred, target, self.target, self.names, self.missing)
        decide(rows, self.thresholds, self.names)
        return rows

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return 1 for a right sample, 0 for a wrong one; with several labels the share of right ones.

        NaN where there is no truth, or the prediction is no number.
        """
        found, target = decide(rows, self.thresholds, self.names), rows["target"]
        right = np.where((found < 0) | (target == ABSENT), np.nan, found == target)
        return right if right.ndim == 1 else mean_defined(right)

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures; NaN where a prediction that counts is no number, or nothing counts."""
        tables = _tables(rows, decide(rows, self.thresholds, self.names))
        return lambda counts: self.figures(tables(counts))


def decide(rows: Rows, thresholds: dict[str, float], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the class decided on (n,), or 0 or 1 of each label (n, classes); -1 where there is no number.

    Raises:
        FuseError: when a threshold is given for an unknown class.
    """
    scores = rows["pred"]
    limits = _limits(thresholds, class_names(names, scores.shape[1]))
    unknown = np.asarray(np.isnan(scores).any(1))
    if rows["target"].ndim == 2:
        each = np.array([limits.get(index, HALF) for index in range(scores.shape[1])])
        return np.where(unknown[:, None], -1, (scores >= each).astype(np.int64))
    rest = [index for index in range(scores.shape[1]) if index not in limits] or [list(limits)[-1]]
    found = np.array(rest)[np.where(np.isnan(scores), -np.inf, scores)[:, rest].argmax(1)]
    for index, threshold in reversed(limits.items()):
        found = np.where(scores[:, index] >= threshold, index, found)
    return np.where(unknown, -1, found)


def _limits(thresholds: dict[str, float], names: Sequence[str]) -> dict[int, float]:
    """Return the thresholds by the number of the class, in their order."""
    numbers = {str(index): index for index in range(len(names))} | {name: i for i, name in enumerate(names)}
    unknown = next((name for name in thresholds if name not in numbers), None)
    if unknown is not None:
        raise FuseError(
            f"there is no class '{unknown}'", where="thresholds", expected=f"some of {', '.join(names)}",
            nearest=nearest(unknown, names),
        )  # fmt: skip
    return {numbers[name]: threshold for name, threshold in thresholds.items()}


def _tables(rows: Rows, found: NDArray[np.int64]) -> Callable[[Counts], Table]:
    """Return what counts weighted samples that have a truth; NaN where one that counts is undecided."""
    target = rows["target"]
    classes = rows["pred"].shape[1] if target.ndim == 1 else 2
    undecided, uncounted = classes**2, classes**2 + 1
    decided = np.where(found < 0, undecided, target * classes + found)
    cells = np.atleast_2d(np.where(target == ABSENT, uncounted, decided).T)

    def count(counts: Counts) -> Table:
        table = np.empty((len(cells), len(counts), uncounted + 1), np.int64)
        for column, sums in zip(cells, table, strict=True):
            bootstrap.tally(counts, np.ascontiguousarray(column), sums)
        known = np.where(table[..., undecided, None] > 0, np.nan, table[..., :undecided])
        shaped = known.reshape(*known.shape[:2], classes, classes)
        return shaped[0] if target.ndim == 1 else shaped.swapaxes(0, 1)

    return count
