"""The deep residual U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.base import Network, NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.blocks import Norm, convolution, normaliser, resized
from fuse_engine.models.networks.padding import Padded
from fuse_engine.models.networks.strides import PerLevel, products, whole_strides


@register
class ResUNet(Network):
    """U-Net of pre-activated residual units with a level of the full size (Zhang 2018), sharp for thin structures.

    Slower than UNet, whose finest level is coarser than the image.
    """

    channels: Widths = Field(default_factory=lambda: [64, 128, 256, 512], min_length=2)
    """Channels of each level, fine to coarse; the first has the size of the image."""
    strides: PerLevel = Field(default_factory=list)
    """Steps down between the levels along (z, y, x), one entry fewer than channels; 1 keeps an axis, e.g. of
    thick slices. 2 along every axis where empty."""
    norm: Norm = "batch"
    """What values are normalised over: groups of channels of an image, the batch, or each channel of an image."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the last level's values switched off at random in training."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: when `strides` do not fit.
        """
        strides = whole_strides(self.strides, len(self.channels) - 1, dims)
        down = [_Unit(dims, channels, self.channels[0], 1, self.norm, first=True)]
        for (before, after), stride in zip(pairwise(self.channels), strides, strict=True):
            down.append(_Unit(dims, before, after, stride, self.norm))
        up = [
            _Unit(dims, coarse + fine, fine, 1, self.norm) for fine, coarse in reversed([*pairwise(self.channels)])
        ]
        answer = nn.Sequential(
            nn.Dropout(self.dropout), convolution(dims, self.channels[0], classes, 1, bias=True)
        )
        return Padded(_ResUNet(down, up, answer), products(strides), f"down.{len(strides)}")


class _ResUNet(nn.Module):
    def __init__(self, down: Sequence[nn.Module], up: Sequence[nn.Module], answer: nn.Module) -> None:
        super().__init__()
        self.down, self.up, self.answer = nn.ModuleList(down), nn.ModuleList(up), answer

    def forward(self, image: Float[Tensor, "b _ *s"]) -> Float[Tensor, "b k *s"]:
        skips: list[Tensor] = []
        for level in self.down:
            image = level(image)
            skips.append(image)
        skips.pop()
        for level in self.up:
            fine = skips.pop()
            image = level(torch.cat([resized(image, fine.shape[2:]), fine], 1))
        logits: Tensor = self.answer(image)
        return logits


class _Unit(nn.Module):
    """Two convolutions, each after normalisation and ReLU, beside a way around them (He 2016)."""

    def __init__(
        self, dims: int, before: int, after: int, stride: Sequence[int] | int, norm: Norm, first: bool = False
    ) -> None:
        super().__init__()
        # the image itself is neither normalised nor cut off below zero
        opening = [] if first else [normaliser(norm, dims, before), nn.ReLU()]
        self.body = nn.Sequential(
            *opening, convolution(dims, before, after, 3, stride), normaliser(norm, dims, after), nn.ReLU(),
            convolution(dims, after, after),
        )  # fmt: skip
        self.around = nn.Sequential(convolution(dims, before, after, 1, stride), normaliser(norm, dims, after))

    def forward(self, image: Float[Tensor, "b _ *_s"]) -> Float[Tensor, "b c *t"]:
        result: Tensor = self.body(image) + self.around(image)
        return result
