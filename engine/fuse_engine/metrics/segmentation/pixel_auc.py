"""Area under the ROC curve over pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import MACRO, Rows, class_names, mean_defined, weighted_mean
from fuse_engine.metrics.kernels.counts import score_histogram
from fuse_engine.metrics.segmentation.maps import VOID, MapMetric

STEPS = 512
"""Steps in which scores are told apart."""
_LOW, _HIGH, _FINE = -104.0, 17.5, 2.0
"""Log-odds of the float32 next to 0 and next to 1, and those up to which steps are about equal."""
_ROUNDING = 1e-2
"""How far bf16 probabilities may be from a sum of 1."""


@register
class AUCPerPixel(MapMetric):
    """Area under the ROC curve over the pixels of all samples, each class against the rest.

    Memory stays the same for any number of pixels: scores are counted in 512 steps of their log-odds, 0.03 wide at
    a probability of 0.5 (0.7 %), wider towards 0 and 1, up to the float32 next to them. Pixels within a step are
    taken as tied, so the area is off by at most half the share of pairs within one step: below 0.0005 unless
    scores hardly differ. With two classes that do not overlap it is that of the second one.
    """

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep how many pixels of each sample have each score, by class: those outside of it, those inside.

        Raises:
            FuseError: when shapes, classes, names or weights do not fit, or `pred` is not probabilities.
        """
        maps = self.maps(pred, target)
        if pred.shape[2:] != target.shape[2:]:
            raise FuseError(
                "scores of pixels are compared on one grid", where="target",
                expected=str(tuple(pred.shape[2:])), got=str(tuple(target.shape[2:])),
            )  # fmt: skip
        self._check_scores(pred, maps.known)
        kinds = self._kinds(maps.classes)
        found = np.zeros((len(pred), len(kinds), 2, STEPS), np.int64)
        for sample in np.flatnonzero(maps.known).tolist():
            for row, kind in enumerate(kinds):
                truth, _, label = maps.of(sample, kind)
                steps = _steps(pred[sample, kind].detach())
                counted = truth != VOID
                score_histogram(steps[counted], (truth == label)[counted].view(np.uint8), found[sample, row])
        return {"counts": found, "known": maps.known, "classes": np.full(len(pred), maps.classes)}

    def result(self, rows: Rows) -> dict[str, float]:
        """Return the area of each class and their mean over the classes where it is defined.

        A class that every pixel or none has is NaN, and each where a prediction is not made of numbers.
        """
        if not len(rows["known"]):
            return {MACRO: float("nan")}
        classes = int(rows["classes"][0])
        areas = _areas(rows["counts"].sum(0))
        if not rows["known"].all():
            areas = np.full_like(areas, np.nan)
        kinds = self._kinds(classes)
        names = class_names(self.names, classes)
        macro = float(weighted_mean(areas, self.weights(classes)[kinds]))
        return {**{names[kind]: float(area) for kind, area in zip(kinds, areas, strict=True)}, MACRO: macro}

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean over the classes of each sample's own area; NaN where it has none."""
        areas = np.where(rows["known"].astype(bool)[:, None], _areas(rows["counts"]), np.nan)
        return mean_defined(areas)

    def _kinds(self, classes: int) -> list[int]:
        return [1] if classes == 2 and not self.overlapping else list(range(classes))

    def _check_scores(self, pred: Tensor, known: NDArray[np.bool_]) -> None:
        scores = pred.detach()[torch.from_numpy(known).to(pred.device)]
        if not scores.numel():
            return
        low, high = torch.aminmax(scores)
        whole = self.overlapping or bool(((scores.sum(1) - 1).abs() < _ROUNDING).all())
        if low < 0 or high > 1 or not whole:
            raise FuseError(
                f"'{self.pred}' does not hold probabilities", where="pred",
                expected="values from 0 to 1, with a sum of 1 where classes do not overlap",
            )  # fmt: skip


def _steps(scores: Tensor) -> NDArray[np.int16]:
    """Return the step of each probability."""
    odds = torch.logit(scores.double()).clamp(_LOW, _HIGH)
    first, last = np.arcsinh(np.array([_LOW, _HIGH]) / _FINE).tolist()
    steps = ((odds / _FINE).asinh() - first) * ((STEPS - 1) / (last - first))
    return np.asarray(steps.round().to(torch.int16).cpu())


def _areas(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return the area under the curve of counts (..., 2, steps); NaN where one of the two is absent."""
    negative, positive = counts[..., 0, :].astype(np.float64), counts[..., 1, :].astype(np.float64)
    below = np.cumsum(negative, -1) - negative / 2
    pairs = negative.sum(-1) * positive.sum(-1)
    return np.where(pairs > 0, (positive * below).sum(-1) / np.maximum(pairs, 1), np.nan)
