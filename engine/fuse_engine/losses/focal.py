"""The loss that looks at what is still wrong."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from fuse_engine.core.keys import ClassOrMapKey, LogitsKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, per_sample, weighted_mean
from fuse_engine.losses.class_weights import ClassLoss
from fuse_engine.losses.classification import LABEL, by_label, per_label
from fuse_engine.losses.resize import Resize
from fuse_engine.losses.truth import class_counts, label_map, one_class, several

_SURE = 1e-7
"""Smallest 1 - p whose power is differentiated: at 0 a gamma below 1 has no finite slope."""


@register
class Focal(ClassLoss):
    """Focal loss `-a (1 - p)^gamma log p` of the true class or of each label, of samples or pixels."""

    pred: LogitsKey
    """Logits (batch, classes) or (batch, classes, [z,] y, x)."""
    target: ClassOrMapKey
    """Classes (batch,), or a label map (batch, 1, [z,] y, x); with a sigmoid marks 0 or 1 in the shape of the
    logits."""
    activation: Literal["softmax", "sigmoid"] = "softmax"
    """What the head makes of its logits: shares of classes, or each label by itself."""
    gamma: float = Field(2.0, ge=0)
    """How strongly samples and pixels that are nearly right are faded out; 0 is the cross-entropy."""
    alpha: float | None = Field(0.25, ge=0, le=1)
    """Factor a of every class but class 0, and of labels that are there; class 0, and labels that are not, have
    1 - alpha. No factor where empty."""
    resize: Resize = "nearest"
    """How a target of another size gets that of the logits: its nearest pixel, or the highest class of a block."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return self.activation

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over samples, pixels and labels.

        Raises:
            FuseError: when shapes, classes or weights do not fit.
        """
        kinds = pred.shape[1]
        if self.activation == "sigmoid":
            truth = several(pred, target, self.target, self.resize, self.missing)
            axes = (0, *range(2, pred.ndim))
            factors = self.factors(kinds, lambda: truth.values.sum(axes), LABEL)
            surprise = F.binary_cross_entropy_with_logits(pred.float(), truth.values, reduction="none")
            each = self._focused(surprise, truth.values)
            return weighted_mean(*per_label(each, truth.counted, by_label(factors, pred)), weights)
        if pred.ndim == 2:
            truth = one_class(pred, target, self.target, self.missing)
        else:
            truth = label_map(pred, target, self.target, self.resize, self.missing)
        factors = self.factors(kinds, lambda: class_counts(truth, kinds).sum(0))
        surprise = F.cross_entropy(pred.float(), truth.values, reduction="none")
        each = self._focused(surprise, (truth.values != 0).float())
        own = torch.ones_like(each) if factors is None else factors.to(pred.device)[truth.values]
        return weighted_mean(per_sample(own * each, truth.counted)[0], per_sample(own, truth.counted)[0], weights)

    def _focused(self, surprise: Float[Tensor, "*s"], there: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        """Return the loss of each from -log p, `there` being 1 for what alpha is the factor of."""
        loss = (1 - (-surprise).exp()).clamp(min=_SURE).pow(self.gamma) * surprise
        return loss if self.alpha is None else (self.alpha * there + (1 - self.alpha) * (1 - there)) * loss
