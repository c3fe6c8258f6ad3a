"""How far probabilities are what they say: the share of samples that are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Rows
from fuse_engine.metrics.classification.curve import Curve, Curved
from fuse_engine.metrics.classification.scored import Scored, known, positives, present, with_mean
from fuse_engine.metrics.kernels import bootstrap
from fuse_engine.metrics.weighted import Counts, Path, Weigh, unknown_counts

Numbers = NDArray[np.float64]
_PARTS = ("samples", "confidence", "accuracy")


@register
class CalibrationError(Scored):
    """Expected and maximum calibration error: how far confidence is from accuracy, in bins of samples.

    The textbook definition (Guo et al. 2017): equal bins of the probability of the predicted class, each with its
    mean confidence; a probability of 1 is in the last one. With several labels: of the probability of each label.
    """

    higher_is_better: ClassVar[bool | None] = False
    bins: int = Field(10, ge=1, le=1000)
    """Number of bins between 0 and 1."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the mean over the samples and the largest of the bins."""
        return [("ece",), ("mce",)]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives both errors, from 0 to 1; NaN without samples, or where one is no number."""
        binned = binning(rows, self.bins)

        def weigh(counts: Counts) -> Numbers:
            samples, confidence, accuracy = binned(counts)
            gap = np.abs(confidence - accuracy)
            total = samples.sum(1)
            expected = np.nansum(gap * samples, 1) / np.where(total > 0, total, np.nan)
            largest = np.where(total > 0, np.where(samples > 0, gap, 0.0).max(1), np.nan)
            return np.stack([expected, np.where(np.isnan(total), np.nan, largest)], 1)

        return weigh


@register
class Reliability(Curved):
    """The reliability diagram: number, mean confidence and accuracy of the samples of each bin of confidence."""

    higher_is_better: ClassVar[bool | None] = None
    bins: int = Field(10, ge=1, le=1000)
    """Number of bins between 0 and 1."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the three figures of each bin, by number from 0 on."""
        return [(str(index), part) for index in range(self.bins) for part in _PARTS]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures of each bin; confidence and accuracy of an empty one are NaN."""
        binned = binning(rows, self.bins)
        return lambda counts: np.stack(binned(counts), 2).reshape(len(counts), -1)

    def curves(self, rows: Rows) -> dict[str, Curve]:
        """Return the bins that hold samples."""
        figures = self.weighing(rows)(np.ones((1, len(rows["pred"])), np.uint16)).reshape(self.bins, len(_PARTS))
        return {"reliability": {part: figures[figures[:, 0] > 0, at] for at, part in enumerate(_PARTS)}}


@register
class BSS(Scored):
    """Brier skill score: 1 - Brier score / the Brier score of giving each class its share of the samples."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return the one figure, or the labels and their mean."""
        return [()] if rows["target"].ndim == 1 else [*((name,) for name in self.titles(rows)), (MACRO,)]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the skill, at best 1; NaN where all samples are of one class, or one is no number."""
        hit, there = positives(rows).astype(np.float64), present(rows).astype(np.float64)
        sound = known(rows)
        squares = (np.nan_to_num(rows["pred"]) - hit) ** 2 * there
        one = rows["target"].ndim == 1

        def weigh(counts: Counts) -> Numbers:
            weights = counts.astype(np.float64)
            total = weights @ there
            share = weights @ hit / np.where(total > 0, total, np.nan)
            score, reference = weights @ squares, total * share * (1 - share)
            if one:
                score, reference = score.sum(1, keepdims=True), reference.sum(1, keepdims=True)
            skill = np.where(reference > 0, 1 - score / np.where(reference > 0, reference, 1), np.nan)
            skill[unknown_counts(counts, sound)] = np.nan
            return skill if one else with_mean(skill)

        return weigh


def binning(rows: Rows, bins: int) -> Callable[[Counts], tuple[Numbers, Numbers, Numbers]]:
    """Return what gives number, mean confidence and accuracy of the weighted samples of each bin (b, bins).

    An empty bin has NaN of the last two; all three are NaN where a sample counts whose prediction is no number.
    """
    sound, there = known(rows), present(rows)
    scores = np.nan_to_num(rows["pred"])
    if rows["target"].ndim == 1:
        confidence = scores.max(1, keepdims=True, initial=0)
        right = scores.argmax(1)[:, None] == rows["target"][:, None]
    else:
        confidence, right = scores, rows["target"] == 1
    # bin k is (k / bins, (k + 1) / bins], so that what is certain is in the last one
    cells = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)

    def weigh(counts: Counts) -> tuple[Numbers, Numbers, Numbers]:
        samples, sums, hits = (np.zeros((len(counts), bins)) for _ in range(3))
        for index in range(cells.shape[1]):
            column = np.ascontiguousarray(cells[:, index])
            for found, values in (
                (samples, np.ones(len(cells))),
                (sums, confidence[:, index]),
                (hits, right[:, index]),
            ):
                bootstrap.gather(counts, column, np.where(there[:, index], values, 0.0), found)
        samples[unknown_counts(counts, sound)] = np.nan
        below = np.where(samples == 0, np.nan, samples)
        return samples, sums / below, hits / below

    return weigh
