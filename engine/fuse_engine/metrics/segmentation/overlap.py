"""Overlap of predicted and true label maps.

Where a class is in neither of two maps there is nothing to measure: NaN, left out of every mean. Where it is in
one of them only, they do not overlap: 0.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, UNDEFINED, Rows, class_names, weighted_mean
from fuse_engine.metrics.kernels.counts import joint_histogram
from fuse_engine.metrics.segmentation.maps import MapMetric, Maps
from fuse_engine.metrics.weighted import Counts, Path, Weigh, Weighted, counted_mean, unknown_counts


class OverlapMetric(MapMetric, Weighted):
    """Overlap of the most probable class of each pixel with the true one, class by class."""

    average: Literal["pooled", "per_sample"] = "pooled"
    """`pooled`: over the pixels of all samples together, so that large structures count more; `per_sample`: the
    mean of what each sample has (FuseMedML, InnerEye), with the number of samples left out as `undefined`."""

    @abstractmethod
    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return the overlap of true positive, false positive and false negative pixels; NaN where all are 0."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep true positive, false positive and false negative pixels of each sample and class.

        A sample whose prediction holds what is not a number has NaN of each.

        Raises:
            FuseError: when shapes, classes, names or weights do not fit.
        """
        maps = self.maps(pred, target)
        counts = np.array([_counts(maps, sample) for sample in range(len(maps.known))], np.float64)
        counts[~maps.known] = np.nan
        return {"tp": counts[:, 0], "fp": counts[:, 1], "fn": counts[:, 2]}

    def paths(self, rows: Rows) -> list[Path]:
        """Return the classes, their mean and, for means over samples, how many were left out of each."""
        names = class_names(self.names, rows["tp"].shape[1])
        left_out = [(UNDEFINED, name) for name in names] if self.average == "per_sample" else []
        return [*((name,) for name in names), (MACRO,), *left_out]

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the overlap of each class and their mean; NaN where a class is in no map at all."""
        known = np.asarray(~np.isnan(rows["tp"]).any(1))
        pixels = [np.where(known[:, None], rows[name], 0.0) for name in ("tp", "fp", "fn")]
        each, factors = self.score(*pixels), self.weights(rows["tp"].shape[1])
        undefined = np.isnan(each) & known[:, None]

        def weigh(counts: Counts) -> NDArray[np.float64]:
            weights = counts.astype(np.float64)
            pooled = self.average == "pooled"
            values = self.score(*(weights @ part for part in pixels)) if pooled else counted_mean(each, weights)
            values[unknown_counts(counts, known)] = np.nan
            found = [values, weighted_mean(values, factors)[:, None]]
            return np.concatenate(found if pooled else [*found, weights @ undefined], 1)

        return weigh

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean over the classes of each sample; NaN where it has none of them."""
        each = self.score(rows["tp"], rows["fp"], rows["fn"])
        return weighted_mean(each, self.weights(each.shape[1]))


@register
class IoU(OverlapMetric):
    """Intersection over union of predicted and true pixels, by class."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return tp / (tp + fp + fn)."""
        return _ratio(tp, tp + fp + fn)


@register
class Dice(OverlapMetric):
    """Dice overlap of predicted and true pixels, by class."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return 2 tp / (2 tp + fp + fn)."""
        return _ratio(2 * tp, 2 * tp + fp + fn)


@register
class Overlap(OverlapMetric):
    """Share of the smaller one of predicted and true pixels that lies in the other, by class (FuseMedML)."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return tp / min(tp + fp, tp + fn); 0 where one of both is empty."""
        return np.where(tp + fp + fn > 0, _ratio(tp, np.maximum(tp + np.minimum(fp, fn), 1)), np.nan)


@register
class PixelAccuracy(OverlapMetric):
    """Share of the true pixels that are predicted, by class: FuseMedML's pixel accuracy, a recall."""

    def score(self, tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> NDArray[np.float64]:
        """Return tp / (tp + fn); 0 where the truth is empty and the prediction is not."""
        return np.where(tp + fp + fn > 0, _ratio(tp, np.maximum(tp + fn, 1)), np.nan)


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def _counts(maps: Maps, sample: int) -> NDArray[np.int64]:
    """Return true positive, false positive and false negative pixels of each class (3, classes)."""
    found = []
    for truth, pred in zip(maps.truth[sample], maps.found[sample], strict=True):
        table = np.zeros((256, 256), np.int64)
        joint_histogram(truth.reshape(-1), pred.reshape(-1), table)
        hit = np.diagonal(table)
        labels = slice(0, maps.classes) if maps.truth.shape[1] == 1 < maps.classes else slice(1, 2)
        found.append(np.stack([hit, table.sum(0) - hit, table.sum(1) - hit])[:, labels])
    return np.concatenate(found, 1)
