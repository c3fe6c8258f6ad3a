"""Figures of how well probabilities rank the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Rows
from fuse_engine.metrics.classification.scored import Ranked, judged, known, positives, where_present, with_mean
from fuse_engine.metrics.kernels import ranks
from fuse_engine.metrics.weighted import Counts, Weigh, unknown_counts

Scores = NDArray[np.float64]
Positive = NDArray[np.int64]


@register
class AUC(Ranked):
    """Area under the ROC curve, each class against the rest; with two classes that of the second, positive one."""

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the area of each class and their mean; NaN for a class of no sample, or of all."""
        return _by_class(rows, _area)


@register
class AUCPR(Ranked):
    """Area under the precision-recall curve as average precision: the mean precision at the positive samples.

    The sum of steps that scikit-learn's `average_precision_score` takes, not the trapezoids between them.
    """

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the area of each class and their mean; NaN for a class that no sample has."""
        return _by_class(rows, _precision)


@register
class PartialAUC(Ranked):
    """Area under the part of the ROC curve that matters in practice, by one of two definitions."""

    definition: Literal["max_false_positive_rate", "min_sensitivity"] = "max_false_positive_rate"
    """`max_false_positive_rate`: area from no false positives to the limit, standardised to 0.5 for chance and 1
    at best (McClish 1989; scikit-learn's `max_fpr`). `min_sensitivity`: area under the curve and above this
    sensitivity, as a share of 1 - limit (Jiang, Metz and Nishikawa 1996)."""
    limit: float = Field(0.1, ge=0, le=1)
    """Largest false positive rate (over 0), or smallest sensitivity (below 1)."""

    @model_validator(mode="after")
    def _something_left(self) -> PartialAUC:
        if self.limit == (0 if self.definition == "max_false_positive_rate" else 1):
            raise ValueError(f"expected a limit that leaves some of the curve, not {self.limit:g}")
        return self

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the area of each class and their mean; NaN for a class of no sample, or of all."""
        return _by_class(
            rows, self._standardised if self.definition == "max_false_positive_rate" else self._sensitive
        )

    def _standardised(self, scores: Scores, positive: Positive) -> Weigh:
        part, chance = _below(scores, positive, self.limit), self.limit**2 / 2
        return lambda counts: 0.5 * (1 + (part(counts) - chance) / (self.limit - chance))

    def _sensitive(self, scores: Scores, positive: Positive) -> Weigh:
        # seen from the other side: what is positive is negative, and what was missed a false positive
        part = _below(-scores, 1 - positive, 1 - self.limit)
        return lambda counts: part(counts) / (1 - self.limit)


def _by_class(rows: Rows, one: Callable[[Scores, Positive], Weigh]) -> Weigh:
    """Return what gives a figure of each class that is judged, and their mean; NaN where one is no number."""
    sound = known(rows)

    def of(index: int) -> Weigh:
        return where_present(rows, index, lambda some: one(some["pred"][:, index], positives(some)[:, index]))

    every = [of(index) for index in judged(rows)]

    def weigh(counts: Counts) -> NDArray[np.float64]:
        found = with_mean(np.stack([each(counts) for each in every], 1))
        found[unknown_counts(counts, sound)] = np.nan
        return found

    return weigh


def _area(scores: Scores, positive: Positive) -> Weigh:
    """Return what gives the area under the ROC curve (b,)."""
    orders = [np.argsort(scores)]
    if (np.diff(scores[orders[0]]) == 0).any():
        # tied samples count half: once all positive ones come first, once last
        orders = [np.lexsort((positive, scores)), np.lexsort((1 - positive, scores))]

    def weigh(counts: Counts) -> NDArray[np.float64]:
        found = np.empty((len(orders), len(counts), 3), np.int64)
        for order, sums in zip(orders, found, strict=True):
            ranks.wins(counts, order, positive[order], sums)
        pairs, every = found[..., 0].mean(0), found[0, :, 1] * found[0, :, 2]
        return np.where(every > 0, pairs / np.maximum(every, 1), np.nan)

    return weigh


def _precision(scores: Scores, positive: Positive) -> Weigh:
    """Return what gives the average precision (b,)."""
    order, ends = _descending(scores)

    def weigh(counts: Counts) -> NDArray[np.float64]:
        found = np.empty(len(counts))
        ranks.precision(counts, order, positive[order], ends, found)
        return found

    return weigh


def _below(scores: Scores, positive: Positive, limit: float) -> Weigh:
    """Return what gives the area under the ROC curve up to a false positive rate (b,)."""
    order, ends = _descending(scores)

    def weigh(counts: Counts) -> NDArray[np.float64]:
        found = np.empty(len(counts))
        ranks.partial(counts, order, positive[order], ends, limit, found)
        return found

    return weigh


def _descending(scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the order of the scores from the largest on, and where in it another score begins behind."""
    order = np.argsort(-scores)
    return order, np.diff(scores[order], append=np.nan) != 0
