"""How near predicted numbers are to the true ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import rankdata
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import NumberKey, OutputKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Metric, Result, Rows, class_names, mean_defined
from fuse_engine.targets import MissingNumber, without_missing

Values = NDArray[np.float64]


class ValueMetric(Metric):
    """A figure of predicted and true numbers; a prediction that is not a number makes it NaN."""

    pred: OutputKey
    """Predicted numbers (batch, values) or (batch,), e.g. `model.output.age`."""
    target: NumberKey
    """True numbers (batch, values) or (batch,), e.g. `data.gt.age`."""
    missing: MissingNumber = None
    """Number in the target that stands for none, or `nan`: it does not count. Every number must be there where
    empty."""
    names: list[str] = Field(default_factory=list)
    """Names of the numbers in the result, where there are several; their places where empty."""

    @abstractmethod
    def score(self, pred: Values, target: Values) -> float:
        """Return the figure of the numbers (n,) of n > 0 samples."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep predicted and true numbers of each sample, NaN for those that are missing.

        Raises:
            FuseError: when shapes or names do not fit, or a true number is none.
        """
        given, wanted = pred, target
        if pred.ndim == 2 and pred.shape[1] == 1 and target.ndim == 1:
            given = pred[:, 0]
        if target.ndim == 2 and target.shape[1] == 1 and pred.ndim == 1:
            wanted = target[:, 0]
        if given.shape != wanted.shape or given.ndim not in (1, 2):
            raise FuseError(
                "shapes do not fit", where="target",
                expected="predictions and a target (batch, values), or (batch,) for one value",
                got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
            )  # fmt: skip
        if given.ndim == 2 and given.shape[1] > 1:
            class_names(self.names, given.shape[1])
        truth, there = without_missing(wanted.detach().double(), self.missing)
        if not bool(truth.isfinite().all()):
            raise FuseError(
                f"'{self.target}' holds {truth[~truth.isfinite()][0].item()}", where="target",
                expected="finite numbers, or `missing: nan` where a number may be missing",
            )  # fmt: skip
        pairs = {"pred": given.detach().double(), "target": torch.where(there, truth, torch.nan)}
        return {name: value.cpu().numpy().reshape(len(value), -1) for name, value in pairs.items()}

    def left_out(self, rows: Rows) -> int:
        """Return how many numbers are missing and do not count."""
        return int(np.isnan(rows["target"]).sum())

    def result(self, rows: Rows) -> Result:
        """Return the figure; of several numbers that of each, and their mean. NaN where it is undefined."""
        figures = np.array([self._figure(*pair) for pair in zip(rows["pred"].T, rows["target"].T, strict=True)])
        if len(figures) == 1:
            return float(figures[0])
        names = class_names(self.names, len(figures))
        return {**dict(zip(names, figures.tolist(), strict=True)), MACRO: float(mean_defined(figures))}

    def per_sample(self, rows: Rows) -> Values | None:
        """Return the error of each sample, its mean over the numbers that are there, or None: higher is better."""
        if self.higher_is_better:
            return None
        errors, there = self.error(rows["pred"], rows["target"]), ~np.isnan(rows["target"])
        return np.asarray(np.where(there, errors, 0).sum(1) / np.where(there.any(1), there.sum(1), np.nan))

    def error(self, pred: Values, target: Values) -> Values:
        """Return how far each number is from the true one, without its sign."""
        return np.abs(pred - target)

    def _figure(self, pred: Values, target: Values) -> float:
        known = ~np.isnan(target)
        if not known.any() or np.isnan(pred[known]).any():
            return float("nan")
        return self.score(pred[known], target[known])


@register
class MAE(ValueMetric):
    """Mean absolute error, in the unit of the numbers."""

    each: ClassVar[str] = "absolute error"
    higher_is_better: ClassVar[bool | None] = False

    def score(self, pred: Values, target: Values) -> float:
        """Return mean |pred - target|."""
        return float(self.error(pred, target).mean())


@register
class MSE(ValueMetric):
    """Mean squared error, in the squared unit of the numbers."""

    each: ClassVar[str] = "absolute error"
    higher_is_better: ClassVar[bool | None] = False

    def score(self, pred: Values, target: Values) -> float:
        """Return mean (pred - target)²."""
        return float((self.error(pred, target) ** 2).mean())


@register
class RMSE(ValueMetric):
    """Root of the mean squared error, in the unit of the numbers."""

    each: ClassVar[str] = "absolute error"
    higher_is_better: ClassVar[bool | None] = False

    def score(self, pred: Values, target: Values) -> float:
        """Return the root of mean (pred - target)²."""
        return float(np.sqrt((self.error(pred, target) ** 2).mean()))


@register
class R2(ValueMetric):
    """Share of the variance of the true numbers that is explained; below 0 where their mean would be nearer."""

    def score(self, pred: Values, target: Values) -> float:
        """Return 1 - sum (pred - target)² / sum (target - mean)²; NaN where all true numbers are equal."""
        if np.ptp(target) == 0:
            return float("nan")
        return float(1 - ((pred - target) ** 2).sum() / ((target - target.mean()) ** 2).sum())


@register
class Pearson(ValueMetric):
    """Correlation of predicted and true numbers, from -1 to 1."""

    def score(self, pred: Values, target: Values) -> float:
        """Return the correlation; NaN where one of both is constant or a prediction infinite."""
        return _correlation(pred, target)


@register
class Spearman(ValueMetric):
    """Correlation of the ranks of predicted and true numbers, from -1 to 1; ties have their mean rank."""

    def score(self, pred: Values, target: Values) -> float:
        """Return the correlation of the ranks; NaN where one of both is constant."""
        return _correlation(rankdata(pred), rankdata(target))


def _correlation(first: Values, second: Values) -> float:
    if not np.isfinite(first).all() or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    one, two = first - first.mean(), second - second.mean()
    return float(np.clip((one / np.linalg.norm(one)) @ (two / np.linalg.norm(two)), -1, 1))
