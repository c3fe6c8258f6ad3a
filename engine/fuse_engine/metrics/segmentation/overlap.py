"""Overlap of predicted and true label maps."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import OutputKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Metric, Rows, class_names, mean_defined
from fuse_engine.targets import check_target


class Overlap(Metric):
    """Overlap of the most probable class of each pixel with the true one, over all pixels of all samples."""

    pred: OutputKey
    """Logits or probabilities (batch, classes, [z,] y, x), e.g. `model.output.segmentation`."""
    target: TruthKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`; the overlap is measured on its grid."""
    ignore: list[int] = Field(default_factory=list)
    """Classes left out of the averages, e.g. 0 for the background."""
    names: list[str] = Field(default_factory=list)
    """Names of the classes in the result; their numbers where empty."""

    @abstractmethod
    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return the overlap of true positive, false positive and false negative pixels; NaN where all are 0."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep true positive, false positive and false negative pixels of each sample and class.

        A sample whose prediction holds what is not a number has NaN of each.

        Raises:
            FuseError: when shapes, classes or names do not fit.
        """
        if pred.ndim < 4 or target.ndim != pred.ndim or target.shape[1] != 1:
            raise FuseError(
                "shapes do not fit", where="target",
                expected="predictions (batch, classes, [z,] y, x) and a target (batch, 1, [z,] y, x)",
                got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
            )  # fmt: skip
        check_target(pred, target, self.target)
        class_names(self.names, pred.shape[1])
        if not set(self.ignore) < set(range(pred.shape[1])):
            raise FuseError(
                "the ignored classes do not fit the prediction", where="ignore",
                expected=f"some of the classes 0 to {pred.shape[1] - 1}, not all", got=str(self.ignore),
            )  # fmt: skip
        table = _confusion(pred, target[:, 0]).astype(np.float64)
        table[pred.isnan().flatten(1).any(1).cpu().numpy()] = np.nan
        hit = np.einsum("bii->bi", table)
        return {"tp": hit, "fp": table.sum(1) - hit, "fn": table.sum(2) - hit}

    def result(self, rows: Rows) -> dict[str, float]:
        """Return the overlap of each class over the pixels of all samples, and their mean.

        A class that is nowhere, neither in truth nor in prediction, is NaN and left out of the mean.
        """
        scores = self.score(*(rows[name].sum(0) for name in ("tp", "fp", "fn")))
        names = class_names(self.names, len(scores))
        return {**dict(zip(names, scores.tolist(), strict=True)), MACRO: float(self._average(scores))}

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean over the classes of each sample; NaN where it has none of them."""
        return self._average(self.score(rows["tp"], rows["fp"], rows["fn"]))

    def _average(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        kept = [index for index in range(scores.shape[-1]) if index not in self.ignore]
        return mean_defined(scores[..., kept])


@register
class IoU(Overlap):
    """Intersection over union of predicted and true pixels, by class."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return tp / (tp + fp + fn)."""
        return _ratio(tp, tp + fp + fn)


@register
class Dice(Overlap):
    """Dice overlap of predicted and true pixels, by class."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return 2 tp / (2 tp + fp + fn)."""
        return _ratio(2 * tp, 2 * tp + fp + fn)


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def _confusion(pred: Tensor, target: Tensor) -> NDArray[np.int64]:
    """Return pixels by (sample, true class, predicted class); the prediction is resized, nearest neighbour."""
    # argmax over a strided axis is ten times slower than max
    found = pred.detach().max(1, keepdim=True).indices
    if found.shape[2:] != target.shape[1:]:
        found = F.interpolate(found.float(), size=target.shape[1:], mode="nearest-exact").long()
    batch, classes = pred.shape[:2]
    sample = torch.arange(batch, device=pred.device).view(-1, *[1] * (target.ndim - 1))
    cell = (sample * classes + target) * classes + found[:, 0]
    counts = torch.bincount(cell.flatten(), minlength=batch * classes * classes)
    return counts.cpu().numpy().reshape(batch, classes, classes)
