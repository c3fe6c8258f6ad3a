"""Losses of one class a sample."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from fuse_engine.core.keys import LogitsKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import ClassWeights, Loss, check_shares, check_vector, cross_entropy, weight_tensor


@register
class CrossEntropy(Loss):
    """Cross-entropy of one class a sample."""

    takes_shares: ClassVar[bool] = True

    pred: LogitsKey
    """Logits (batch, classes), e.g. `model.logits.classifier`."""
    target: TruthKey
    """Class of each sample (batch,), e.g. `data.gt.classification`; or shares of all classes (batch, classes)."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the truth that is spread evenly over all classes."""
    class_weights: ClassWeights | None = None
    """One factor a class; the mean is weighted by them. All equal where empty."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the mean over the batch.

        Raises:
            FuseError: when shapes, classes or weights do not fit.
        """
        check = check_shares if target.ndim == 2 else check_vector
        check(pred, target, self.target)
        weights = None if self.class_weights is None else weight_tensor(self.class_weights, pred)
        return cross_entropy(pred, target, weights, self.label_smoothing)
