"""DeepLabV3+ over any backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.backbones.resnet import whole
from fuse_engine.models.base import NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.blocks import Norm, convolution, resized, separable, unit
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.encoder_decoder import Decoder, EncoderDecoder, assembled

_FINE = 4


@register
class DeepLabV3Plus(EncoderDecoder):
    """Dilated kernels of several rates over a backbone's features, refined by a finer level (Chen 2018)."""

    output_stride: Annotated[Literal[8, 16, 32], BeforeValidator(whole)] = 16
    """Pixels between the coarsest features, at most; steps of the backbone beyond are replaced by dilation."""
    rates: Widths = Field(default_factory=lambda: [6, 12, 18], min_length=1)
    """Dilations of the kernels that look around, in coarsest features; 12, 24, 36 for an output stride of 8."""
    channels: int = Field(256, ge=1)
    """Channels of the features seen at each distance, and of the last ones."""
    fine_channels: int = Field(48, ge=1)
    """Channels left of the finer level, which lies at most 4 pixels apart where the backbone has one."""
    separable: bool = True
    """Look around in each channel by itself before channels are mixed, which is lighter."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: at `backbone` or `output_stride` when they do not fit.
        """
        found = encoder(self.backbone, channels, dims, self.output_stride)
        fine = max((i for i, stride in enumerate(found.strides[:-1]) if max(stride) <= _FINE), default=0)
        decoder = _DeepLabDecoder(dims, self, found.channels, fine)
        return assembled(found, decoder, classes, self.dropout)


class _DeepLabDecoder(Decoder):
    def __init__(self, dims: int, settings: DeepLabV3Plus, levels: list[int], fine: int) -> None:
        super().__init__()
        self.fine, self.channels, norm = fine, settings.channels, settings.norm
        look = separable if settings.separable else unit
        self.context = _Context(dims, levels[-1], settings.channels, settings.rates, norm, look)
        self.side = unit(dims, levels[fine], settings.fine_channels, norm, 1)
        joined = settings.channels + settings.fine_channels
        self.refine = nn.Sequential(
            look(dims, joined, settings.channels, norm), look(dims, settings.channels, settings.channels, norm)
        )

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
        fine = self.side(features[self.fine])
        context = resized(self.context(features[-1]), fine.shape[2:])
        result: Tensor = self.refine(torch.cat([context, fine], 1))
        return result


class _Context(nn.Module):
    """Each feature, its surroundings at several distances, and the mean of the image (Chen 2017)."""

    def __init__(
        self, dims: int, before: int, after: int, rates: list[int], norm: Norm, look: Callable[..., nn.Module]
    ) -> None:
        super().__init__()
        around = [look(dims, before, after, norm, dilation=rate) for rate in rates]
        self.views = nn.ModuleList([unit(dims, before, after, norm, 1), *around])
        # one cell an image cannot be normalised over a batch of one
        self.whole = nn.Sequential(convolution(dims, before, after, 1, bias=True), nn.ReLU())
        self.merge = unit(dims, after * (len(rates) + 2), after, norm, 1)

    def forward(self, image: Float[Tensor, "b _ *s"]) -> Float[Tensor, "b c *s"]:
        whole = self.whole(image.mean(tuple(range(2, image.ndim)), keepdim=True))
        views = [view(image) for view in self.views]
        result: Tensor = self.merge(torch.cat([*views, whole.expand_as(views[0])], 1))
        return result
