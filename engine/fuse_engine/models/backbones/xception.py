"""Networks of separable convolutions."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain, cut
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid


@register
class Xception(PretrainedBackbone):
    """Xception as published by Chollet, five levels from 2 to 32 times coarser (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 7

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network; its middle levels are the blocks' sums, before the next block's activation."""
        network = timm_network(self.published(dims), channels)
        levels = cut(network, "act2", "block1", "block2", "block11", "act4")
        return Chain(levels, (64, 128, 256, 728, 2048)), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "legacy_xception"
