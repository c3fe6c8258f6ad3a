"""Losses of numbers: one or several a sample, or one a pixel."""

from __future__ import annotations

from abc import abstractmethod

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.keys import LogitsKey, NumberKey
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Activation, SampleLoss, per_sample, share_known, weighted_mean
from fuse_engine.losses.truth import numbers
from fuse_engine.targets import MissingNumber


class NumberLoss(SampleLoss):
    """A mean over the numbers of a target."""

    pred: LogitsKey
    """Numbers (batch, values) of a regression head, or (batch, channel, [z,] y, x)."""
    target: NumberKey
    """True numbers in the shape of the prediction; (batch,) where there is one value."""
    missing: MissingNumber = None
    """Number in the target that stands for none, or `nan`: it does not count. Every number must be there where
    empty."""

    @property
    def head_activation(self) -> Activation:
        """Return the activation of the heads whose logits it reads."""
        return "none"

    @abstractmethod
    def each(self, pred: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of every number, in their shape."""

    def known(self, batch: NestedDict, count: int) -> Tensor:
        """Return the share of the numbers of each sample (batch,) that are there.

        Raises:
            FuseError: when there is no such target.
        """
        if self.missing is None:
            return super().known(batch, count)
        return share_known(batch[self.target], self.missing)

    def average(self, pred: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
        """Return the mean over all numbers that are there.

        Raises:
            FuseError: when shapes or numbers do not fit.
        """
        truth = numbers(pred, target, self.target, self.missing)
        return weighted_mean(*per_sample(self.each(pred.float(), truth.values), truth.counted), weights)


@register
class MSE(NumberLoss):
    """Mean squared error of numbers."""

    def each(self, pred: Tensor, truth: Tensor) -> Tensor:
        """Return the squared errors."""
        return F.mse_loss(pred, truth, reduction="none")


@register
class L1(NumberLoss):
    """Mean absolute error of numbers."""

    def each(self, pred: Tensor, truth: Tensor) -> Tensor:
        """Return the absolute errors."""
        return F.l1_loss(pred, truth, reduction="none")


@register
class Huber(NumberLoss):
    """Half the squared error of numbers up to `delta`, beyond in proportion to it, so that outliers count less."""

    delta: float = Field(1.0, gt=0)
    """Error, in units of the target, up to which it is squared."""

    def each(self, pred: Tensor, truth: Tensor) -> Tensor:
        """Return the losses of the errors."""
        return F.huber_loss(pred, truth, reduction="none", delta=self.delta)
