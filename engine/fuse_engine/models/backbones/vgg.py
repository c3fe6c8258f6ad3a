"""Plain stacks of 3 x 3 convolutions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator
from torch import nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.backbones.timm_network import timm_network
from fuse_engine.models.base import Pyramid


@register
class VGG(PretrainedBackbone):
    """VGG 16 or 19, six levels from the image's own size to 32 times coarser (timm's)."""

    dims: ClassVar[tuple[int, ...]] = (2,)

    depth: Annotated[Literal[16, 19], BeforeValidator(whole)] = 16
    """Number of layers."""
    normalized: bool = True
    """Batch normalization after each convolution; the original had none."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 32

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        # else timm makes 120 million weights for a classifier that is not used
        network = timm_network(self.published(dims), channels, mlp_ratio=1 / 4096)
        levels: list[nn.Sequential] = [nn.Sequential()]
        for layer in network.features:
            if isinstance(layer, nn.MaxPool2d):
                levels.append(nn.Sequential())
            levels[-1].append(layer)
        return Chain(levels, (64, 128, 256, 512, 512, 512)), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        return f"vgg{self.depth}{'_bn' if self.normalized else ''}"
