"""MONAI's densely connected networks as backbones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain, cut
from fuse_engine.models.backbones.pretrained import PretrainedBackbone, only_in_2d
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.base import Pyramid

_BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}


@register
class DenseNet(PretrainedBackbone):
    """Densely connected network in 2-D or 3-D, five levels from 2 to 32 times coarser (MONAI's)."""

    dims: ClassVar[tuple[int, ...]] = (2, 3)

    depth: Annotated[Literal[121, 169, 201], BeforeValidator(whole)] = 121
    """Number of layers."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 29  # what the stem and three poolings without padding leave one pixel of

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        from monai.networks.nets.densenet import DenseNet as Network

        blocks = _BLOCKS[self.depth]
        network = Network(dims, channels, 1, block_config=blocks)
        levels = cut(network.features, "relu0", "denseblock1", "denseblock2", "denseblock3", "norm5")
        levels[-1].append(nn.ReLU())
        counts = [64]
        for layers in blocks:
            counts.append((counts[-1] if len(counts) == 1 else counts[-1] // 2) + 32 * layers)
        return Chain(levels, counts), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        only_in_2d(dims)
        return f"densenet{self.depth}"

    def published_names(self, network: nn.Module) -> Mapping[str, Tensor]:
        """Return the tensors by the names of the original (torchvision's), which timm keeps."""
        found: dict[str, Tensor] = network.state_dict(keep_vars=True)
        return {name.replace(".layers.", "."): tensor for name, tensor in found.items()}
