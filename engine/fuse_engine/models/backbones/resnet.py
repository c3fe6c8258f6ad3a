"""MONAI's residual networks as backbones."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.base import Backbone, Pyramid

_STAGES = {10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}
_PLANES = (64, 128, 256, 512)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value


@register
class ResNet(Backbone):
    """Residual network in 1-D, 2-D or 3-D, five levels of features (MONAI's)."""

    dims: ClassVar[tuple[int, ...]] = (1, 2, 3)

    depth: Annotated[Literal[10, 18, 34, 50], BeforeValidator(_whole)] = 18
    """Number of layers."""
    width: float = Field(1.0, ge=1 / 64, le=4)
    """Factor on the channels of every level; 1 is the published network, from 64 to 512 channels."""
    stem: Literal["large", "small"] = "large"
    """First layer: large halves the image twice; small keeps its size, for images below about 100 pixels."""

    def build(self, channels: int, dims: int) -> Pyramid:
        """Return the network with random weights; its levels are 2 to 32 (small stem: 1 to 8) times coarser."""
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.resnet import ResNet as Network

        small, bottleneck = self.stem == "small", self.depth >= 50
        planes = [max(1, round(count * self.width)) for count in _PLANES]
        network = Network(
            block="bottleneck" if bottleneck else "basic", layers=_STAGES[self.depth], block_inplanes=planes,
            spatial_dims=dims, n_input_channels=channels, conv1_t_size=3 if small else 7,
            conv1_t_stride=1 if small else 2, no_max_pool=small, feed_forward=False, bias_downsample=False,
        )  # fmt: skip
        return _ResNetPyramid(network, [planes[0], *(count * (4 if bottleneck else 1) for count in planes)])


class _ResNetPyramid(Pyramid):
    last_features = "levels.4"

    def __init__(self, network: Any, channels: list[int]) -> None:
        super().__init__()
        stem = nn.Sequential(network.conv1, network.bn1, network.act)
        first = network.layer1 if network.no_max_pool else nn.Sequential(network.maxpool, network.layer1)
        self.levels = nn.ModuleList([stem, first, network.layer2, network.layer3, network.layer4])
        self.channels = channels

    def forward(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in self.levels:
            image = level(image)
            features.append(image)
        return features
