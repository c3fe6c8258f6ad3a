"""Pyramid scene parsing network over any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.base import NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.blocks import Norm, convolution, resized, unit
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.encoder_decoder import Decoder, EncoderDecoder, assembled

_POOLED = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


@register
class PSPNet(EncoderDecoder):
    """Pyramid pooling: means over ever finer parts of the image beside a backbone's features (Zhao 2017)."""

    output_stride: Annotated[Literal[8, 16, 32], BeforeValidator(whole)] = 8
    """Pixels between the coarsest features, at most; steps of the backbone beyond are replaced by dilation."""
    bins: Widths = Field(default_factory=lambda: [1, 2, 3, 6], min_length=1)
    """Into how many parts along each axis the image is divided for the means; 1 is the whole image."""
    channels: int = Field(512, ge=1)
    """Channels of the last features."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: at `backbone` or `output_stride` when they do not fit.
        """
        found = encoder(self.backbone, channels, dims, self.output_stride)
        decoder = _Pooling(dims, found.channels[-1], self.bins, self.channels, self.norm)
        return assembled(found, decoder, classes, self.dropout)


class _Pooling(Decoder):
    def __init__(self, dims: int, before: int, bins: list[int], channels: int, norm: Norm) -> None:
        super().__init__()
        self.bins, self.channels, part = bins, channels, max(1, before // len(bins))
        self.parts = nn.ModuleList(_part(dims, before, part, count, norm) for count in bins)
        self.merge = unit(dims, before + part * len(bins), channels, norm)

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
        last = features[-1]
        pool = _POOLED[last.ndim - 2]
        means = [part(pool(last, count)) for count, part in zip(self.bins, self.parts, strict=True)]
        result: Tensor = self.merge(torch.cat([last, *(resized(mean, last.shape[2:]) for mean in means)], 1))
        return result


def _part(dims: int, before: int, after: int, count: int, norm: Norm) -> nn.Module:
    if count > 1:
        return unit(dims, before, after, norm, 1)
    # one cell an image cannot be normalised over a batch of one
    return nn.Sequential(convolution(dims, before, after, 1, bias=True), nn.ReLU())
