"""MONAI's residual networks as backbones."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from torch import nn

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.chain import Chain
from fuse_engine.models.backbones.pretrained import PretrainedBackbone, only_in_2d
from fuse_engine.models.base import Pyramid

_STAGES = {
    10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3],
}  # fmt: skip
_PLANES = (64, 128, 256, 512)


def whole(value: Any) -> Any:
    """Return a choice among whole numbers that came as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


@register
class ResNet(PretrainedBackbone):
    """Residual network in 1-D, 2-D or 3-D, five levels of features (MONAI's)."""

    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)

    depth: Annotated[Literal[10, 18, 34, 50, 101, 152], BeforeValidator(whole)] = 18
    """Number of layers."""
    width: float = Field(1.0, ge=1 / 64, le=4)
    """Factor on the channels of every level; 1 is the published network, from 64 to 512 channels."""
    stem: Literal["large", "small"] = "large"
    """First layer: large halves the image twice; small keeps its size, for images below about 100 pixels."""

    def assemble(self, channels: int, dims: int) -> tuple[Pyramid, nn.Module]:
        """Return the network; its levels are 2 to 32 (small stem: 1 to 8) times coarser."""
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.resnet import ResNet as Network

        small, bottleneck = self.stem == "small", self.depth >= 50
        planes = [max(1, round(count * self.width)) for count in _PLANES]
        network = Network(
            block="bottleneck" if bottleneck else "basic", layers=_STAGES[self.depth], block_inplanes=planes,
            spatial_dims=dims, n_input_channels=channels, conv1_t_size=3 if small else 7,
            conv1_t_stride=1 if small else 2, no_max_pool=small, feed_forward=False, bias_downsample=False,
        )  # fmt: skip
        stem = nn.Sequential(network.conv1, network.bn1, network.act)
        first = network.layer1 if small else nn.Sequential(network.maxpool, network.layer1)
        levels = [stem, first, network.layer2, network.layer3, network.layer4]
        return Chain(levels, [planes[0], *(count * (4 if bottleneck else 1) for count in planes)]), network

    def published(self, dims: int) -> str:
        """Return timm's name of the network."""
        only_in_2d(dims)
        if self.depth == 10 or self.width != 1 or self.stem != "large":
            raise FuseError(
                "ImageNet weights are for the published networks", where="pretrained",
                expected="depth 18 to 152, width 1 and the large stem",
                got=f"depth {self.depth}, width {self.width:g} and the {self.stem} stem",
            )  # fmt: skip
        return f"resnet{self.depth}"
