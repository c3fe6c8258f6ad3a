"""The ROC curve, what is read off it, and the thresholds that it gives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Rows
from fuse_engine.metrics.classification.scored import Scored, judged, known, positives, present
from fuse_engine.metrics.weighted import Counts, Path, Weigh, unknown_counts

Numbers = NDArray[np.float64]
Curve = Mapping[str, Numbers]
"""Coordinates of the points of a curve, each (points,), by name."""


class Curved(Scored):
    """A metric that is a curve as well: its result holds what is read off, the analysis every point."""

    @abstractmethod
    def curves(self, rows: Rows) -> dict[str, Curve]:
        """Return the curves by name, e.g. that of the metric or those of classes."""


@dataclass(frozen=True)
class Steps:
    """The operating points of one class: samples that reach each threshold, from one that none reaches on."""

    thresholds: Numbers
    """(points,), the first one above every score."""
    tp: Numbers
    fp: Numbers

    @property
    def sensitivity(self) -> Numbers:
        """True positive rate at each threshold; NaN without positive samples."""
        return self.tp / (self.tp[-1] if self.tp[-1] > 0 else np.nan)

    @property
    def specificity(self) -> Numbers:
        """True negative rate at each threshold; NaN without negative samples."""
        return np.asarray((self.fp[-1] - self.fp) / (self.fp[-1] if self.fp[-1] > 0 else np.nan))


@register
class ROC(Curved):
    """The ROC curve of each class against the rest: in the result sensitivities, in the analysis every point."""

    specificities: list[float] = Field([0.8, 0.9, 0.95])
    """Specificities at which the best sensitivity that a threshold reaches is given."""

    @field_validator("specificities")
    @classmethod
    def _shares(cls, value: list[float]) -> list[float]:
        if not value or any(not 0 <= item <= 1 for item in value):
            raise ValueError(f"expected one or more specificities from 0 to 1, not {value}")
        return value

    def paths(self, rows: Rows) -> list[Path]:
        """Return classes and specificities."""
        parts = [f"sensitivity_at_specificity_{value:g}" for value in self.specificities]
        return [(name, part) for name in _judged_names(self, rows) for part in parts]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the sensitivities; NaN for a class that none or all samples have."""
        return _stepwise(rows, self._read_off)

    def curves(self, rows: Rows) -> dict[str, Curve]:
        """Return the corners of the curve of each class that is judged and not NaN."""
        if not known(rows).all():
            return {}
        every = dict(zip(_judged_names(self, rows), judged(rows), strict=True))
        steps = {name: _steps(rows, index)(np.ones(len(rows["pred"]))) for name, index in every.items()}
        return {name: _corners(found) for name, found in steps.items() if found.tp[-1] and found.fp[-1]}

    def _read_off(self, steps: Steps) -> list[float]:
        found = [steps.sensitivity[steps.specificity >= value] for value in self.specificities]
        return [float(each.max()) if len(each) else np.nan for each in found]


@register
class OperatingPoint(Scored):
    """The threshold of each class that reaches a sensitivity or specificity on these samples, and what it gives.

    Found on validation samples, it is given to other metrics as `thresholds: {positive: 0.37}`.
    """

    higher_is_better: ClassVar[bool | None] = None
    wanted: Literal["sensitivity", "specificity"] = "sensitivity"
    """What is to be reached; among the thresholds that do, the one with the best of the other is taken."""
    level: float = Field(0.95, ge=0, le=1)
    """The sensitivity or specificity wanted."""

    def paths(self, rows: Rows) -> list[Path]:
        """Return classes and figures."""
        parts = ("threshold", "sensitivity", "specificity", "ppv", "npv")
        return [(name, part) for name in _judged_names(self, rows) for part in parts]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures; NaN for a class that none or all samples have."""
        return _stepwise(rows, self._read_off)

    def _read_off(self, steps: Steps) -> list[float]:
        sensitivity, specificity = steps.sensitivity, steps.specificity
        if np.isnan(sensitivity).any() or np.isnan(specificity).any():
            return [np.nan] * 5
        # towards lower thresholds the sensitivity rises and the specificity falls
        if self.wanted == "sensitivity":
            at = int(np.argmax(sensitivity >= self.level))
        else:
            at = len(specificity) - 1 - int(np.argmax(specificity[::-1] >= self.level))
        tp, fp = steps.tp[at], steps.fp[at]
        fn, tn = steps.tp[-1] - tp, steps.fp[-1] - fp
        ppv, npv = tp / (tp + fp) if tp + fp else np.nan, tn / (tn + fn) if tn + fn else np.nan
        return [float(steps.thresholds[at]), float(sensitivity[at]), float(specificity[at]), ppv, npv]


def _judged_names(metric: Scored, rows: Rows) -> list[str]:
    names = metric.titles(rows)
    return [names[index] for index in judged(rows)]


def _stepwise(rows: Rows, read_off: Callable[[Steps], list[float]]) -> Weigh:
    """Return what reads figures off the operating points of each class that is judged, weighting by weighting."""
    every, sound = [_steps(rows, index) for index in judged(rows)], known(rows)

    def weigh(counts: Counts) -> Numbers:
        found = np.array([[value for steps in every for value in read_off(steps(line))] for line in counts])
        found[unknown_counts(counts, sound)] = np.nan
        return found

    return weigh


def _steps(rows: Rows, index: int) -> Callable[[NDArray[np.generic]], Steps]:
    """Return what gives the operating points of a class, of weighted samples (n,)."""
    there = present(rows)[:, index]
    scores, positive = rows["pred"][there, index], positives(rows)[there, index]
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.flatnonzero(np.diff(ranked, append=np.nan) != 0)
    above = np.nextafter(ranked[:1], np.inf)

    def steps(weights: NDArray[np.generic]) -> Steps:
        line = weights[there][order].astype(np.float64)
        hits, seen = np.cumsum(line * positive[order])[ends], np.cumsum(line)[ends]
        return Steps(
            np.concatenate([above, ranked[ends]]),
            np.concatenate([[0.0], hits]),
            np.concatenate([[0.0], seen - hits]),
        )

    return steps


def _corners(steps: Steps) -> Curve:
    """Return the points of the ROC curve without those on a straight line between others."""
    turns = (np.diff(steps.tp, 2) != 0) | (np.diff(steps.fp, 2) != 0)
    kept = np.concatenate([[True], turns, [True]])
    return {
        "false_positive_rate": steps.fp[kept] / steps.fp[-1], "true_positive_rate": steps.sensitivity[kept],
        "threshold": steps.thresholds[kept],
    }  # fmt: skip
