"""From the outputs of a sample's places to labels."""

from __future__ import annotations

import torch
from torch import Tensor

from fuse_engine.models.base import Activation

THERE = 0.5
"""Output above which a label that may overlap others is there."""


def labels_of(output: Tensor, activation: Activation) -> Tensor:
    """Return the label of each place, (classes, [z,] y, x) -> ([z,] y, x) uint8.

    It is the most probable class; of labels that may overlap the most probable that is there, from 1 on, or 0.
    """
    # not argmax(0): over a leading axis it is ten times slower
    highest, index = output.float().max(0)
    found = index if activation == "softmax" else (index + 1) * (highest > THERE)
    return found.to(torch.uint8)


def each_label(output: Tensor) -> Tensor:
    """Return where each label that may overlap others is there, (labels, [z,] y, x) uint8, 0 or 1."""
    return (output.float() > THERE).to(torch.uint8)


def foreground_of(output: Tensor, activation: Activation) -> Tensor:
    """Return the probability of anything but the background, (classes, [z,] y, x) -> (1, [z,] y, x)."""
    return 1 - output[:1] if activation == "softmax" else output.amax(0, keepdim=True)
