"""Small networks, and those that were found from them."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal

from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid


class _Staged(PretrainedBackbone):
    dims: ClassVar[tuple[int, ...]] = (2,)

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        network = timm_network(self.published(dims), channels)
        infos = [info for info in network.feature_info if info["stage"]]
        stages = pairwise((0, *(info["stage"] for info in infos)))
        first, *others = [network.blocks[start:end] for start, end in stages]
        levels = [nn.Sequential(network.conv_stem, network.bn1, *first), *others]
        return Chain(levels, [info["num_chs"] for info in infos]), network


@register
class MobileNet(_Staged):
    """MobileNet (the first), five levels from 2 to 32 times coarser (timm's)."""

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "mobilenetv1_100"


@register
class MobileNetV2(_Staged):
    """MobileNetV2, five levels from 2 to 32 times coarser (timm's)."""

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return "mobilenetv2_100"


@register
class EfficientNet(_Staged):
    """EfficientNet as published, with TensorFlow's padding, five levels from 2 to 32 times coarser (timm's)."""

    size: Literal["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"] = "b0"
    """How large a network: from 4 million weights to 64."""

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return f"tf_efficientnet_{self.size}"
