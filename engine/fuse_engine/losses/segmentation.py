"""Losses of one class a pixel."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import LogitsKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import ClassWeights, Loss, cross_entropy, label_map, weight_tensor


@register
class SegmentationCrossEntropy(Loss):
    """Cross-entropy of one class a pixel; a target of another size is resized, nearest neighbour."""

    pred: LogitsKey
    """Logits (batch, classes, [z,] y, x), e.g. `model.logits.segmentation`."""
    target: TruthKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`."""
    class_weights: Literal["ipw"] | ClassWeights | None = None
    """One factor a class; `ipw` takes the inverse of a class's pixels in the batch. All equal where empty."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the mean over all pixels, weighted by `class_weights`.

        Raises:
            FuseError: when shapes, classes or weights do not fit.
        """
        labels = label_map(pred, target, self.target)
        return cross_entropy(pred, labels, self._weights(pred, labels))

    def _weights(self, pred: Tensor, labels: Tensor) -> Tensor | None:
        if self.class_weights is None:
            return None
        if self.class_weights == "ipw":
            counts = torch.stack([(labels == index).sum() for index in range(pred.shape[1])])
            return torch.where(counts > 0, 1.0 / counts.clamp(min=1), 0.0)
        return weight_tensor(self.class_weights, pred)


@register
class Dice(Loss):
    """One minus the soft Dice overlap, averaged over classes and samples."""

    pred: LogitsKey
    """Logits (batch, classes, [z,] y, x), e.g. `model.logits.segmentation`."""
    target: TruthKey
    """Label map (batch, 1, [z,] y, x), e.g. `data.gt.segmentation`; resized to the logits, nearest neighbour."""
    ignore: list[int] = Field(default_factory=list)
    """Classes left out of the average, e.g. 0 for the background."""
    smooth: float = Field(1.0, gt=0)
    """Pixels added above and below the fraction; a class absent from both counts as a perfect overlap."""
    squared: bool = False
    """Square the probabilities below the fraction."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the mean over samples and classes, from 0 (perfect) to 1.

        Raises:
            FuseError: when shapes or classes do not fit, or every class is ignored.
        """
        labels = label_map(pred, target, self.target)
        kept = self._kept(pred.shape[1])
        probabilities = pred.float().softmax(1)[:, kept]
        truth = torch.stack([labels == index for index in kept], 1).to(probabilities.dtype)
        axes = tuple(range(2, pred.ndim))
        overlap = (probabilities * truth).sum(axes)
        mass = (probabilities.square() if self.squared else probabilities).sum(axes) + truth.sum(axes)
        return 1 - ((2 * overlap + self.smooth) / (mass + self.smooth)).mean()

    def _kept(self, classes: int) -> list[int]:
        kept = [index for index in range(classes) if index not in self.ignore]
        if not kept or not set(self.ignore) <= set(range(classes)):
            raise FuseError(
                "the ignored classes do not fit the prediction", where="ignore",
                expected=f"some of the classes 0 to {classes - 1}, not all", got=str(self.ignore),
            )  # fmt: skip
        return kept
