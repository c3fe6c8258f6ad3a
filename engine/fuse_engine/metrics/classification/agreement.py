"""Figures of right and wrong classes, at an operating point."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Rows, mean_defined
from fuse_engine.metrics.classification.decided import Decided, Table
from fuse_engine.metrics.classification.scored import with_mean
from fuse_engine.metrics.weighted import Path

Numbers = NDArray[np.float64]


class Overall(Decided):
    """One figure of all classes; with several labels one of each, and their mean."""

    @abstractmethod
    def score(self, table: Table) -> Numbers:
        """Return the figure of tables (..., true class, predicted class); NaN where it is undefined."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the one figure, or the labels and their mean."""
        return [()] if rows["target"].ndim == 1 else [*((name,) for name in self.titles(rows)), (MACRO,)]

    def figures(self, table: Table) -> Numbers:
        """Return the figures of tables of samples."""
        scores = self.score(table)
        return scores[:, None] if scores.ndim == 1 else with_mean(scores)


class EachClass(Decided):
    """A figure of each class against the rest, and their mean over the classes where it is defined."""

    @abstractmethod
    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return the figure of true and false positives and negatives (b, classes); NaN where it is undefined."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the classes and their mean."""
        return [*((name,) for name in self.titles(rows)), (MACRO,)]

    def figures(self, table: Table) -> Numbers:
        """Return the figures of tables of samples."""
        if table.ndim == 4:
            return with_mean(self.share(table[..., 1, 1], table[..., 0, 1], table[..., 1, 0], table[..., 0, 0]))
        hit = np.einsum("bii->bi", table)
        fp, fn = table.sum(1) - hit, table.sum(2) - hit
        return with_mean(self.share(hit, fp, fn, table.sum((1, 2))[:, None] - hit - fp - fn))


@register
class Accuracy(Overall):
    """Share of samples whose class is right."""

    def score(self, table: Table) -> Numbers:
        """Return the share, from 0 to 1; NaN without samples."""
        return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum((-2, -1)))


@register
class BalancedAccuracy(Overall):
    """Mean over the classes of the share of their samples that are right; classes without samples are left out."""

    def score(self, table: Table) -> Numbers:
        """Return the mean, from 0 to 1; NaN without samples."""
        return mean_defined(_ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-1)))


@register
class MCC(Overall):
    """Matthews correlation coefficient of true and predicted classes (for several: Gorodkin 2004)."""

    def score(self, table: Table) -> Numbers:
        """Return the coefficient, from -1 to 1; NaN where all samples have one class, 0 where one is predicted."""
        truth, found, every = table.sum(-1), table.sum(-2), table.sum((-2, -1))
        hits = np.trace(table, axis1=-2, axis2=-1)
        spread_truth, spread_found = every**2 - (truth**2).sum(-1), every**2 - (found**2).sum(-1)
        above = hits * every - (truth * found).sum(-1)
        below = np.sqrt(spread_truth) * np.sqrt(spread_found)
        return np.where(spread_found == 0, 0.0, _ratio(above, below)) + np.where(spread_truth == 0, np.nan, 0.0)


@register
class ConfusionMatrix(Decided):
    """Samples by true and predicted class; with several labels, true and false positives and negatives of each."""

    higher_is_better: ClassVar[bool | None] = None

    def paths(self, rows: Rows) -> list[Path]:
        """Return the pairs of true and predicted class, or the four numbers of each label."""
        names = self.titles(rows)
        if rows["target"].ndim == 1:
            return [(true, predicted) for true in names for predicted in names]
        return [(name, part) for name in names for part in ("tn", "fp", "fn", "tp")]

    def figures(self, table: Table) -> Numbers:
        """Return the numbers of samples (b, f)."""
        return table.reshape(len(table), -1)


@register
class Sensitivity(EachClass):
    """Share of the samples of a class that are found, also called recall or true positive rate."""

    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return tp / (tp + fn); NaN for a class without samples."""
        return _ratio(tp, tp + fn)


@register
class Specificity(EachClass):
    """Share of the samples of all other classes that are not taken for a class, also called true negative rate."""

    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return tn / (tn + fp); NaN where all samples are of the class."""
        return _ratio(tn, tn + fp)


@register
class PPV(EachClass):
    """Positive predictive value: share of the samples taken for a class that are of it, also called precision."""

    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return tp / (tp + fp); NaN for a class that is never predicted."""
        return _ratio(tp, tp + fp)


@register
class NPV(EachClass):
    """Negative predictive value: share of the samples not taken for a class that are not of it."""

    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return tn / (tn + fn); NaN for a class that is always predicted."""
        return _ratio(tn, tn + fn)


@register
class F1(EachClass):
    """Harmonic mean of precision and sensitivity of each class; its `macro_avg` is the macro F1."""

    def share(self, tp: Numbers, fp: Numbers, fn: Numbers, tn: Numbers) -> Numbers:
        """Return 2 tp / (2 tp + fp + fn); NaN for a class neither true nor predicted anywhere."""
        return _ratio(2 * tp, 2 * tp + fp + fn)


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    # a table of NaN stays NaN
    return np.where(below == 0, np.nan, above / np.where(below == 0, 1, below))
