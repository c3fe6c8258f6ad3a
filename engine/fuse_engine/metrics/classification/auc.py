"""Figures of one class a sample."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import OutputKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Metric, Rows, class_names, mean_defined
from fuse_engine.targets import check_target

_ROUNDING = 1e-2
"""How far bf16 probabilities may be from a sum of 1."""


@register
class Accuracy(Metric):
    """Share of samples whose most probable class is the true one."""

    pred: OutputKey
    """Logits or probabilities (batch, classes), e.g. `model.output.classifier`."""
    target: TruthKey
    """Class of each sample (batch,), e.g. `data.gt.classification`."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep 1 for a right sample, 0 for a wrong one, NaN where the prediction is not a number.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        _check_vector(pred, target, self.target)
        right = (pred.argmax(1) == target).double()
        return {"right": torch.where(pred.isnan().any(1), torch.nan, right).cpu().numpy()}

    def result(self, rows: Rows) -> float:
        """Return the share, from 0 to 1; NaN without samples, or where a prediction is not a number."""
        return float(rows["right"].mean()) if len(rows["right"]) else float("nan")

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return 1 for a right sample, 0 for a wrong one."""
        return rows["right"]


@register
class AUC(Metric):
    """Area under the ROC curve, each class against the rest; with two classes that of the second, positive one."""

    pred: OutputKey
    """Probabilities (batch, classes), e.g. `model.output.classifier`."""
    target: TruthKey
    """Class of each sample (batch,), e.g. `data.gt.classification`."""
    names: list[str] = Field(default_factory=list)
    """Names of the classes in the result; their numbers where empty."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep probabilities and class of each sample.

        Raises:
            FuseError: when shapes or classes do not fit, or `pred` is not probabilities.
        """
        _check_vector(pred, target, self.target)
        class_names(self.names, pred.shape[1])
        scores = pred.detach().double().cpu().numpy()
        if (scores < 0).any() or (np.abs(scores.sum(1) - 1) > _ROUNDING).any():
            raise FuseError(
                f"'{self.pred}' does not hold probabilities", where="pred",
                expected="values from 0 to 1 with a sum of 1, e.g. model.output.<head>",
            )  # fmt: skip
        return {"pred": scores, "target": target.cpu().numpy()}

    def result(self, rows: Rows) -> dict[str, float]:
        """Return the area of each class and their mean over the classes where it is defined.

        A class that no sample or every sample has is NaN.
        """
        scores, target = rows["pred"], rows["target"]
        names = class_names(self.names, scores.shape[1])
        judged = range(1, 2) if len(names) == 2 else range(len(names))
        areas = {names[index]: area_under_roc(scores[:, index], target == index) for index in judged}
        return {**areas, MACRO: float(mean_defined(np.array(list(areas.values()))))}

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability that each sample's true class was given."""
        found: NDArray[np.float64] = rows["pred"][np.arange(len(rows["target"])), rows["target"]]
        return found


def area_under_roc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive sample scores above a negative one, ties counted half.

    NaN where one of the two is absent or a score is not a number.
    """
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if pairs == 0 or np.isnan(scores).any():
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[positive].sum() - positives * (positives + 1) / 2) / pairs)


def _check_vector(pred: Tensor, target: Tensor, classes_of: str) -> None:
    if pred.ndim != 2 or target.ndim != 1:
        raise FuseError(
            "shapes do not fit", where="target", expected="predictions (batch, classes) and a target (batch,)",
            got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
        )  # fmt: skip
    check_target(pred, target, classes_of)
