"""Findings as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import BoxKey, OutputKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Result, Rows
from fuse_engine.metrics.detection.matching import Pairs, f1_of_samples, figures, matched


@register
class BoxDetection(Metric):
    """Precision, recall and F1 of boxes over all samples.

    A predicted box is right when its intersection over union with a true one is `iou` or more; each is matched
    once, in the order of their scores (COCO), without scores the pair that overlaps most first. Nothing predicted:
    the precision is NaN; nothing true: the recall is; boxes where none is true lower the precision.
    """

    each: ClassVar[str] = "F1 of the boxes"

    pred: OutputKey
    """Boxes of each sample, (n, 4) or (n, 6): x0, y0, x1, y1 or x0, y0, z0, x1, y1, z1, with a score as one number
    more where there is one: a list of arrays, or (batch, n, ...) in which rows of NaN fill up."""
    target: BoxKey
    """True boxes of each sample, likewise, without scores."""
    iou: float = Field(0.5, gt=0, le=1)
    """Least intersection over union of a prediction with the box it is matched with."""
    score: float | None = None
    """Boxes with a lower score are not counted as predicted; all are where empty."""

    def collect(self, pred: Tensor | Sequence[ArrayLike], target: Tensor | Sequence[ArrayLike]) -> Rows:
        """Keep how many boxes of each sample are right, predicted and true.

        Raises:
            FuseError: when there are not as many lists as samples, or a box does not have 4 or 6 numbers.
        """
        if len(pred) != len(target):
            raise FuseError(
                "prediction and target differ in batch size", where="target",
                expected=f"{len(pred)} samples", got=str(len(target)),
            )  # fmt: skip
        found = [self._findings(*pair) for pair in zip(pred, target, strict=True)]
        columns = np.array(found, np.float64).reshape(-1, 3)
        return {"tp": columns[:, 0], "found": columns[:, 1], "truth": columns[:, 2]}

    def result(self, rows: Rows) -> Result:
        """Return precision, recall and F1."""
        return {name: float(value) for name, value in figures(rows).items()}

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return the F1 of each sample; NaN where nothing is true and nothing was predicted."""
        return f1_of_samples(rows)

    def _findings(self, pred: Tensor | ArrayLike, target: Tensor | ArrayLike) -> tuple[int, int, int]:
        """Return how many boxes are right, predicted and true."""
        truth = _rows(target, "target", (4, 6))
        width = truth.shape[1]
        found = _rows(pred, "pred", (width, width + 1) if truth.size else (4, 5, 6, 7))
        scores = found[:, -1] if found.shape[1] % 2 else None
        if self.score is not None and scores is not None:
            found, scores = found[scores >= self.score], scores[scores >= self.score]
        if not len(truth) or not len(found):
            return 0, len(found), len(truth)
        iou = _ious(found[:, :width], truth)
        one, other = np.nonzero(iou)
        return matched(Pairs(one, other, iou[one, other]), self.iou, scores), len(found), len(truth)


def _rows(boxes: Tensor | ArrayLike, where: str, widths: tuple[int, ...]) -> Float[np.ndarray, " n width"]:
    """Return boxes as an array without the rows that fill up."""
    plain = boxes.detach().double().cpu().numpy() if isinstance(boxes, torch.Tensor) else np.asarray(boxes, float)
    if not plain.size:
        return np.zeros((0, widths[0]))
    if plain.ndim != 2 or plain.shape[1] not in widths:
        raise FuseError(
            "boxes do not fit", where=where, got=str(plain.shape),
            expected=f"(n, {' or '.join(map(str, widths))}) numbers for each sample",
        )  # fmt: skip
    kept: NDArray[np.float64] = plain[~np.isnan(plain).all(1)]
    return kept


def _ious(found: Float[np.ndarray, " n d"], truth: Float[np.ndarray, " m d"]) -> Float[np.ndarray, " n m"]:
    """Return the intersection over union of boxes, first corner to last."""
    dims = found.shape[1] // 2
    low = np.maximum(found[:, None, :dims], truth[None, :, :dims])
    high = np.minimum(found[:, None, dims:], truth[None, :, dims:])
    both = np.clip(high - low, 0, None).prod(-1)
    sizes = [np.clip(boxes[:, dims:] - boxes[:, :dims], 0, None).prod(1) for boxes in (found, truth)]
    union = sizes[0][:, None] + sizes[1][None] - both
    return np.where(union > 0, both / np.where(union > 0, union, 1), 0)
