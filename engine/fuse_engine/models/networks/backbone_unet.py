"""U-Net over any backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.base import NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.blocks import Norm, resized, unit
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.encoder_decoder import Decoder, EncoderDecoder, assembled


@register
class BackboneUNet(EncoderDecoder):
    """U-Net whose way down is a backbone, with a skip from each of its levels (Ronneberger 2015)."""

    channels: Widths = Field(default_factory=list)
    """Channels on the way up, coarse to fine, as many as the backbone has levels; the last ones have the size of
    the image. From 256 on halved at each level, but 16 or more, where empty."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: at `backbone` or `channels` when they do not fit.
        """
        found = encoder(self.backbone, channels, dims)
        levels = len(found.channels)
        if self.channels and len(self.channels) != levels:
            raise FuseError(
                "the channels do not fit the backbone", where="channels",
                expected=f"{levels} numbers, one for each level of {self.backbone.name()}",
                got=f"{len(self.channels)}",
            )  # fmt: skip
        widths = self.channels or [max(16, 256 // 2**level) for level in range(levels)]
        return assembled(found, _UNetDecoder(dims, found.channels, widths, self.norm), classes, self.dropout)


class _UNetDecoder(Decoder):
    def __init__(self, dims: int, levels: list[int], widths: list[int], norm: Norm) -> None:
        super().__init__()
        self.channels = widths[-1]
        skips = [*reversed(levels[:-1]), 0]
        before = [levels[-1], *widths[:-1]]
        self.blocks = nn.ModuleList(
            nn.Sequential(unit(dims, below + skip, width, norm), unit(dims, width, width, norm))
            for below, skip, width in zip(before, skips, widths, strict=True)
        )

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
        *finer, last = features
        for block in self.blocks[:-1]:
            skip = finer.pop()
            last = block(torch.cat([resized(last, skip.shape[2:]), skip], 1))
        result: Tensor = self.blocks[-1](resized(last, size))
        return result
