"""MONAI's squeeze-and-excitation networks as backbones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.backbones.pretrained import PretrainedBackbone, only_in_2d
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.base import Pyramid

_STAGES = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_NAMES = (
    (r"\.conv(\d)\.conv\.", r".conv\1."), (r"\.conv(\d)\.adn\.N\.", r".bn\1."),
    (r"\.se_layer\.fc\.0\.", ".se_module.fc1."), (r"\.se_layer\.fc\.2\.", ".se_module.fc2."),
    (r"\.project\.conv\.", ".downsample.0."), (r"\.project\.adn\.N\.", ".downsample.1."),
)  # fmt: skip
"""MONAI's names and those that the weights are published under."""


@register
class SEResNet(PretrainedBackbone):
    """Residual network with squeeze and excitation, 2-D or 3-D, five levels 2 to 32 times coarser (MONAI's)."""

    dims: ClassVar[tuple[int, ...]] = (2, 3)

    depth: Annotated[Literal[50, 101, 152], BeforeValidator(whole)] = 50
    """Number of layers."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 3

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        from monai.networks.nets.senet import SENet

        network = SENet(
            spatial_dims=dims, in_channels=channels, block="se_resnet_bottleneck", layers=_STAGES[self.depth],
            groups=1, reduction=16, dropout_prob=None, inplanes=64, downsample_kernel_size=1, input_3x3=False,
            num_classes=1,
        )  # fmt: skip
        stem, pool = network.layer0[:-1], network.layer0[-1]
        levels = [stem, nn.Sequential(pool, network.layer1), network.layer2, network.layer3, network.layer4]
        return Chain(levels, (64, 256, 512, 1024, 2048)), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        only_in_2d(dims)
        return f"legacy_seresnet{self.depth}"

    def published_names(self, network: nn.Module) -> Mapping[str, Tensor]:
        """Return the tensors by the names of the original (Cadene's), which timm keeps."""
        found: dict[str, Tensor] = network.state_dict(keep_vars=True)
        return {_published(name): tensor for name, tensor in found.items()}

    def reshaped(self, name: str, tensor: Tensor, target: Tensor) -> Tensor:
        """Return the kernels of a 1 x 1 convolution as a matrix, where the network has a matrix."""
        matrix = (
            target.ndim == 2 and tensor.ndim > 2 and tensor.shape[:2] == target.shape == tensor.squeeze().shape
        )
        return tensor.flatten(1) if matrix else tensor


def _published(name: str) -> str:
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name
