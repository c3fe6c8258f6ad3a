"""Convolutional networks in the way of transformers."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid


@register
class ConvNeXt(PretrainedBackbone):
    """ConvNeXt, four levels from 4 to 32 times coarser (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    size: Literal["tiny", "small", "base", "large"] = "tiny"
    """How large a network: 28, 50, 89 or 198 million weights."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 32

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels)
        first, *others = network.stages
        levels = [nn.Sequential(network.stem, first), *others]
        return Chain(levels, [info["num_chs"] for info in network.feature_info]), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return f"convnext_{self.size}"
