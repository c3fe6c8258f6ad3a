"""The encoder of SwinUNETR."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import BeforeValidator
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.base import Pyramid

_LEVELS = 5


@register
class SwinTransformer(PretrainedBackbone):
    """Transformer over shifted windows, the encoder of SwinUNETR, five levels 2 to 32 times coarser (MONAI's)."""

    dims: ClassVar[tuple[int, ...]] = (2, 3)

    width: Annotated[Literal[12, 24, 36, 48, 60], BeforeValidator(whole)] = 24
    """Channels of the finest level, the coarsest has 16 times as many; 48 is what published weights have."""
    convolutions: bool = False
    """A residual convolution before each level (SwinUNETR-V2)."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network."""
        from monai.networks.nets.swin_unetr import SwinTransformer as Network

        device = torch.get_default_device()
        with torch.device("cpu"):  # it reads numbers from tensors as it is made
            network = Network(
                channels, self.width, (7,) * dims, (2,) * dims, (2, 2, 2, 2), (3, 6, 12, 24), spatial_dims=dims,
                use_v2=self.convolutions,
            )  # fmt: skip
        return _Swin(network.to(device), self.width), network

    def published(self, dims: int) -> str:
        """Refuse: ImageNet's are for another network."""
        raise FuseError(
            "timm's hub has no weights of SwinUNETR's encoder", where="pretrained",
            expected="false, or a file such as MONAI's ssl_pretrained_weights.pth as `weights`",
        )  # fmt: skip


class _Norm(nn.Module):
    """Gives the channels of every pixel mean 0 and variance 1."""

    def forward(self, features: Float[Tensor, " b c *s"]) -> Float[Tensor, " b c *s"]:
        return nn.functional.layer_norm(features.movedim(1, -1), features.shape[1:2]).movedim(-1, 1)


class _Swin(Pyramid):
    last_features = f"norms.{_LEVELS - 1}"

    def __init__(self, network: Any, width: int) -> None:
        super().__init__()
        levels = [nn.Sequential(network.patch_embed, network.pos_drop)]
        for index in range(1, _LEVELS):
            before = getattr(network, f"layers{index}c", ())
            levels.append(nn.Sequential(*before, *getattr(network, f"layers{index}")))
        self.levels, self.norms = nn.ModuleList(levels), nn.ModuleList(_Norm() for _ in levels)
        self.channels = [width * 2**index for index in range(_LEVELS)]

    def forward(self, image: Float[Tensor, " b c *s"]) -> list[Tensor]:
        """Return the normalized features, fine to coarse."""
        features: list[Tensor] = []
        for level, norm in zip(self.levels, self.norms, strict=True):
            image = level(image.contiguous())
            features.append(norm(image))
        return features
