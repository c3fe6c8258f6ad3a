"""Residual networks of grouped convolutions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator
from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain, cut
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid

_NAMES = {50: "resnext50_32x4d", 101: "resnext101_32x8d"}


@register
class ResNeXt(PretrainedBackbone):
    """ResNeXt 50 (32x4d) or 101 (32x8d), five levels from 2 to 32 times coarser (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    depth: Annotated[Literal[50, 101], BeforeValidator(whole)] = 50
    """Number of layers."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels)
        levels = cut(network, "act1", "layer1", "layer2", "layer3", "layer4")
        return Chain(levels, (64, 256, 512, 1024, 2048)), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return _NAMES[self.depth]
