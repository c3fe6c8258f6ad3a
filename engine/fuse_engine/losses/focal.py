"""The loss that looks at what is still wrong, for one class a sample or a pixel."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from fuse_engine.core.keys import LogitsKey, TruthKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Loss, check_vector, label_map

_SURE = 1e-7
"""Smallest 1 - p whose power is differentiated: at 0 a gamma below 1 has no finite slope."""


@register
class Focal(Loss):
    """Focal loss `-a (1 - p)^gamma log p` of the true class, for one class a sample or a pixel."""

    pred: LogitsKey
    """Logits (batch, classes) or (batch, classes, [z,] y, x)."""
    target: TruthKey
    """Classes (batch,), or a label map (batch, 1, [z,] y, x), resized to the logits, nearest neighbour."""
    gamma: float = Field(2.0, ge=0)
    """How little what is already right counts; 0 is the cross-entropy."""
    alpha: float | None = Field(0.25, ge=0, le=1)
    """Factor a of every class but class 0, which has 1 - alpha; no factor where empty."""

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the mean over samples and pixels.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        if pred.ndim == 2:
            check_vector(pred, target, self.target)
            labels = target.long()
        else:
            labels = label_map(pred, target, self.target)
        log_p = pred.float().log_softmax(1).gather(1, labels[:, None])[:, 0]
        loss = -(1 - log_p.exp()).clamp(min=_SURE).pow(self.gamma) * log_p
        if self.alpha is not None:
            loss = torch.where(labels == 0, 1 - self.alpha, self.alpha) * loss
        return loss.mean()
