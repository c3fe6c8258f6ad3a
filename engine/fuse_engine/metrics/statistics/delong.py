"""The variance of areas under the ROC curve, and whether two are apart."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import norm
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, OutputKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Result, Rows, class_names
from fuse_engine.metrics.classification.scored import ABSENT, given, judged, positives, present, probable_rows
from fuse_engine.metrics.kernels import ranks

Numbers = NDArray[np.float64]


@register
class DeLong(Metric):
    """Confidence interval of the AUC, and a test of two AUCs on the same samples (DeLong et al. 1988)."""

    higher_is_better: ClassVar[bool | None] = None
    each: ClassVar[str] = "probability given to the truth, minus that of the other prediction"
    pred: OutputKey
    """Probabilities (batch, classes), e.g. `model.output.classifier`."""
    other: OutputKey | None = None
    """Probabilities (batch, classes) that are compared; none where empty."""
    target: ClassKey
    """Class of each sample (batch,), or labels of 0 or 1 (batch, classes)."""
    missing: int | None = None
    """Number in the target that stands for no label, e.g. -1: such samples, or single labels of them, do not
    count. Every sample must have each label where empty."""
    names: list[str] = Field([])
    """Names of the classes in the result; their numbers where empty."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """Confidence of the intervals."""
    method: Literal["normal", "logit"] = "normal"
    """Interval of the AUC: symmetric, which may reach over 1, or symmetric on the logit's scale, which never
    does."""

    def collect(self, pred: Tensor, other: Tensor | None, target: Tensor) -> Rows:
        """Keep probabilities and class of each sample.

        Raises:
            FuseError: when shapes or classes do not fit, or a prediction is not probabilities.
        """
        rows = probable_rows(pred, target, self.pred, self.target, self.names, self.missing)
        if other is None or self.other is None:
            return rows
        if other.shape != pred.shape:
            raise FuseError(
                "the two predictions differ in shape", where="other", expected=str(tuple(pred.shape)),
                got=str(tuple(other.shape)),
            )  # fmt: skip
        second = probable_rows(other, target, self.other, self.target, self.names, self.missing)
        return {**rows, "other": second["pred"]}

    def result(self, rows: Rows) -> Result:
        """Return for each class `auc`, `std`, `conf_lower` and `conf_upper`; more with two predictions.

        Those are `auc_other`, the `difference`, its standard error `difference_std`, `z` and the two-sided
        `p_value`. NaN for a class with fewer than two samples, or fewer than two of the rest.
        """
        names = class_names(self.names, rows["pred"].shape[1])
        return {names[index]: self._of_class(rows, index) for index in judged(rows)}

    def per_sample(self, rows: Rows) -> Numbers | None:
        """Return the probability of each sample's class, minus that of the other prediction; None for labels."""
        target = rows["target"]
        if target.ndim == 2:
            return None
        found = given(rows["pred"], target)
        return found - given(rows["other"], target) if "other" in rows else found

    def left_out(self, rows: Rows) -> int:
        """Return how many samples, or single labels of them, have no truth and do not count."""
        return int((rows["target"] == ABSENT).sum())

    def _of_class(self, rows: Rows, index: int) -> dict[str, float]:
        there = present(rows)[:, index]
        scores = [rows[name][there, index] for name in ("pred", "other") if name in rows]
        areas, covariance = areas_and_covariance(np.stack(scores), positives(rows)[there, index] == 1)
        std = float(np.sqrt(covariance[0, 0]))
        lower, upper = self._interval(float(areas[0]), std)
        found = {"auc": float(areas[0]), "std": std, "conf_lower": lower, "conf_upper": upper}
        return found | _compared(areas, covariance) if len(scores) == 2 else found

    def _interval(self, area: float, std: float) -> tuple[float, float]:
        reach = float(norm.isf((1 - self.confidence) / 2)) * std
        if self.method == "normal" or not 0 < area < 1:
            return area - reach, area + reach
        odds, reach = np.log(area / (1 - area)), reach / (area * (1 - area))
        return float(1 / (1 + np.exp(reach - odds))), float(1 / (1 + np.exp(-reach - odds)))


def areas_and_covariance(scores: Numbers, positive: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Return the areas (p,) of predictions (p, n) and their covariance (p, p).

    NaN where a score is no number, or there are fewer than two positive or two negative samples.
    """
    count, hits = len(scores), int(positive.sum())
    rest = len(positive) - hits
    if hits == 0 or rest == 0 or np.isnan(scores).any():
        return np.full(count, np.nan), np.full((count, count), np.nan)
    below = np.empty(scores.shape)
    for line, found in zip(scores, below, strict=True):
        order = np.argsort(line)
        ranks.placements(order, positive, np.diff(line[order], append=np.nan) != 0, found)
    above = below.take(np.flatnonzero(positive), 1) / rest
    under = 1 - below.take(np.flatnonzero(~positive), 1) / hits
    areas = above.mean(1)
    if hits < 2 or rest < 2:
        return areas, np.full((count, count), np.nan)
    return areas, _covariance(above) / hits + _covariance(under) / rest


def _covariance(values: Numbers) -> Numbers:
    apart = values - values.mean(1, keepdims=True)
    return np.asarray(apart @ apart.T / (values.shape[1] - 1))


def _compared(areas: Numbers, covariance: Numbers) -> dict[str, float]:
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    # of equal rankings rounding leaves a little, to either side
    std = float(np.sqrt(max(variance, 0.0))) if not np.isnan(variance) else np.nan
    z = 0.0 if difference == 0 and not np.isnan(std) else (difference / std if std else np.nan)
    return {
        "auc_other": float(areas[1]), "difference": difference, "difference_std": std, "z": z,
        "p_value": float(2 * norm.sf(abs(z))),
    }  # fmt: skip
