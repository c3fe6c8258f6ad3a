"""What several outputs are together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fuse_engine.models.base import Activation


def average(outputs: Sequence[Float[Tensor, "b w *s"]]) -> Float[Tensor, "b w *s"]:
    """Return the mean of outputs."""
    return torch.stack(list(outputs)).mean(0)


def vote(outputs: Sequence[Float[Tensor, "b w *s"]], activation: Activation) -> Float[Tensor, "b w *s"]:
    """Return the share of votes for each class, or label, of every sample and place, from 0 to 1.

    The mean output counts as half a vote more: so of classes with as many votes the one with the highest mean
    leads, of those that are alike in that too the first. Values cannot be voted on; their mean is returned.
    """
    mean = average(outputs)
    if activation == "none":
        return mean
    votes = sum(_ballot(output, activation) for output in outputs)
    return (votes + mean / 2) / (len(outputs) + 0.5)


def _ballot(output: Float[Tensor, "b w *s"], activation: Activation) -> Float[Tensor, "b w *s"]:
    """Return 1 for what an output is for, else 0."""
    if activation == "sigmoid":
        return (output > 0.5).to(output.dtype)
    chosen = output.max(1, keepdim=True).indices
    return torch.zeros_like(output).scatter(1, chosen, 1.0)


def logits_of(output: Float[Tensor, "b w *s"], activation: Activation) -> Float[Tensor, "b w *s"]:
    """Return logits that the activation makes this output of."""
    if activation == "softmax":
        return output.clamp_min(torch.finfo(output.dtype).tiny).log()
    return torch.logit(output, eps=torch.finfo(output.dtype).eps) if activation == "sigmoid" else output
