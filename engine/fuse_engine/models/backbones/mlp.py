"""Fully connected layers for vectors."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from pydantic import Field
from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.base import Backbone, Pyramid
from fuse_engine.models.layers import Widths


@register
class MLP(Backbone):
    """Fully connected layers with ReLU for vectors, e.g. clinical data; every layer is a level."""

    dims: ClassVar[tuple[int, ...]] = (0,)

    layers: Widths = Field([128, 128], min_length=1)
    """Numbers of channels, layer by layer."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the values behind each layer that are left out in training."""

    def build(self, channels: int, dims: int) -> Pyramid:
        """Return the layers for vectors of that many numbers."""
        sizes = pairwise([channels, *self.layers])
        return Chain(
            [nn.Sequential(nn.Linear(*pair), nn.ReLU(), nn.Dropout(self.dropout)) for pair in sizes], self.layers
        )
