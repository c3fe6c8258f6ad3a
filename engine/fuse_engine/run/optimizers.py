"""Rules that change the weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from fuse_engine.core.component import Component
from fuse_engine.core.registry import register


class Optimizer(Component):
    """Makes a torch optimizer; `lr` is the learning rate that stage and schedule start from."""

    kind: ClassVar[str] = "optimizer"

    lr: float = Field(1e-3, gt=0)
    """Learning rate."""

    @abstractmethod
    def build(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the torch optimizer of `weights`."""


@register
class Adam(Optimizer):
    """Adam: step sizes from running moments of the gradient."""

    lr: float = Field(1e-3, gt=0)
    """Learning rate."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the first and the second moment."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights, as part of the gradient."""
    amsgrad: bool = False
    """Keep the largest second moment."""

    def build(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.Adam`."""
        return torch.optim.Adam(
            weights, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay, amsgrad=self.amsgrad
        )


@register
class AdamW(Optimizer):
    """Adam whose weight decay is apart from the gradient."""

    lr: float = Field(1e-3, gt=0)
    """Learning rate."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the first and the second moment."""
    weight_decay: float = Field(1e-2, ge=0)
    """Share of the weights, times the learning rate, taken off at every step."""

    def build(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.AdamW`."""
        return torch.optim.AdamW(weights, lr=self.lr, betas=self.betas, weight_decay=self.weight_decay)


@register
class SGD(Optimizer):
    """Stochastic gradient descent with momentum."""

    lr: float = Field(1e-2, gt=0)
    """Learning rate."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Share of the last step that is kept."""
    nesterov: bool = False
    """Look ahead along the momentum."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty on the weights."""

    def build(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.SGD`."""
        return torch.optim.SGD(
            weights, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov and self.momentum > 0,
            weight_decay=self.weight_decay,
        )  # fmt: skip
