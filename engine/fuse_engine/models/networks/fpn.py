"""Feature pyramid network for segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.base import NetworkModule
from fuse_engine.models.networks.blocks import Norm, convolution, resized, unit
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.encoder_decoder import Decoder, EncoderDecoder, assembled

_LEVELS = 4


@register
class FPN(EncoderDecoder):
    """Feature pyramid over a backbone's four coarsest levels, added up at the finest of them (Kirillov 2019)."""

    channels: int = Field(256, ge=1)
    """Channels of the pyramid (Lin 2017)."""
    branch: int = Field(128, ge=1)
    """Channels of the branches that bring each level of the pyramid to the finest one's size."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: at `backbone` when it does not fit.
        """
        found = encoder(self.backbone, channels, dims)
        decoder = _Pyramid(dims, found.channels[-_LEVELS:], self.channels, self.branch, self.norm)
        return assembled(found, decoder, classes, self.dropout)


class _Pyramid(Decoder):
    def __init__(self, dims: int, levels: list[int], channels: int, branch: int, norm: Norm) -> None:
        super().__init__()
        self.channels = branch
        self.sides = nn.ModuleList(convolution(dims, count, channels, 1, bias=True) for count in levels)
        self.smooth = nn.ModuleList(convolution(dims, channels, channels, bias=True) for _ in levels)
        self.branches = nn.ModuleList(_Branch(dims, channels, branch, level, norm) for level in range(len(levels)))

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
        used = features[-len(self.sides) :]
        sizes = [level.shape[2:] for level in used]
        maps = [side(level) for side, level in zip(self.sides, used, strict=True)]
        for level in reversed(range(len(maps) - 1)):
            maps[level] = maps[level] + resized(maps[level + 1], sizes[level])
        layers = zip(self.smooth, self.branches, maps, strict=True)
        grown: list[Tensor] = [branch(smooth(level), sizes) for smooth, branch, level in layers]
        return reduce(torch.add, grown)


class _Branch(nn.Module):
    """Brings a level of the pyramid to the size of the finest one, level by level."""

    def __init__(self, dims: int, before: int, after: int, level: int, norm: Norm) -> None:
        super().__init__()
        self.targets = [*reversed(range(level))] or [0]
        widths = [before, *[after] * len(self.targets)]
        self.layers = nn.ModuleList(unit(dims, *pair, norm) for pair in pairwise(widths))

    def forward(self, image: Float[Tensor, "b _ *_s"], sizes: Sequence[Sequence[int]]) -> Float[Tensor, "b c *_t"]:
        for layer, target in zip(self.layers, self.targets, strict=True):
            image = resized(layer(image), sizes[target])
        return image
