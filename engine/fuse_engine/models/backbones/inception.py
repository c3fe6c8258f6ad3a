"""Networks of parallel convolutions of several sizes."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain, cut
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid


@register
class InceptionV3(PretrainedBackbone):
    """Inception V3, five levels from 2 to 32 times coarser (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 75

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels, aux_logits=False)
        levels = cut(network, "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")
        return Chain(levels, (64, 192, 288, 768, 2048)), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "inception_v3"


@register
class InceptionResNetV2(PretrainedBackbone):
    """Inception-ResNet V2, whole or cut after one of its units as in FuseMedML (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    cut: int = Field(14, ge=1, le=43)
    """Units that are kept (FuseMedML's logical_units_num): 1-10 end in a 35 x 35 block (320 features, 8 times
    coarser), 11 in the reduction (1088, 16 times), 12-31 within a 17 x 17 block (384), 32 in the second reduction
    (2080, 32 times), 33-42 in an 8 x 8 block (2080), 43 is the whole network (1536)."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 75 if self.cut >= 32 else 43 if self.cut >= 11 else 27

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels)
        stem = cut(network, "conv2d_2b", "conv2d_4a")
        units = _units(network)[: self.cut]
        if 12 <= self.cut <= 31:
            units[-1] = _Inner(units[-1])
        fine, middle, coarse = units[:10], units[10:31], units[31:]
        levels = [*stem, nn.Sequential(network.maxpool_5a, network.mixed_5b, *fine)]
        channels_of = [64, 192, 320]
        if middle:
            levels.append(nn.Sequential(*middle))
            channels_of.append(384 if 12 <= self.cut <= 31 else 1088)
        if coarse:
            levels.append(nn.Sequential(*coarse))
            channels_of.append(1536 if self.cut == 43 else 2080)
        return Chain(levels, channels_of), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "inception_resnet_v2"


def _units(network: Any) -> list[nn.Module]:
    return [
        *network.repeat, network.mixed_6a, *network.repeat_1, network.mixed_7a, *network.repeat_2, network.block8,
        network.conv2d_7b,
    ]  # fmt: skip


class _Inner(nn.Module):
    """The branches of a residual block side by side, without what joins them to its input."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.branch0, self.branch1 = block.branch0, block.branch1

    def forward(self, features: Float[Tensor, " b c y x"]) -> Float[Tensor, " b d y x"]:
        return torch.cat([self.branch0(features), self.branch1(features)], 1)
