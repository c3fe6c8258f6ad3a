"""The stack of layers that heads end in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator
from torch import nn


def _positive(widths: list[int]) -> list[int]:
    if any(width < 1 for width in widths):
        raise ValueError("expected numbers of channels from 1 up")
    return widths


Widths = Annotated[list[int], AfterValidator(_positive)]
"""Numbers of channels, layer by layer."""


def layer_stack(dims: int, sizes: Sequence[int], classes: int, dropout: float) -> nn.Sequential:
    """Return layers from `sizes[0]` channels over the hidden `sizes[1:]` to `classes`, pixel by pixel.

    `dims` 0 is for vectors (batch, channel).
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [mix(dims, before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, mix(dims, sizes[-1], classes))


def mix(dims: int, before: int, after: int, reach: int = 0) -> nn.Module:
    """Return the layer that mixes the channels of a pixel and its neighbours up to `reach` pixels away."""
    if dims == 0:
        return nn.Linear(before, after)
    layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
    return layer(before, after, kernel_size=2 * reach + 1, padding=reach)
