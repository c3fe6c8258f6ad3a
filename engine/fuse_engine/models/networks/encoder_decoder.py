"""Networks of a backbone on the way down and layers of their own on the way up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.component import Slot
from fuse_engine.models.backbones import ResNet
from fuse_engine.models.base import Backbone, Network, NetworkModule, Pyramid
from fuse_engine.models.networks.blocks import Norm, convolution, resized
from fuse_engine.models.networks.encoder import Encoder
from fuse_engine.models.networks.padding import Padded


class EncoderDecoder(Network):
    """A network over any backbone."""

    backbone: Annotated[Backbone, Slot("backbone")] = ResNet()
    """What turns the image into features on the way down; a stage freezes it as `network.net.backbone`."""
    norm: Norm = "group"
    """What values are normalised over on the way up: groups of channels of an image, the batch, or each channel of
    an image."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of values before the last layer switched off at random in training."""


class Decoder(nn.Module):
    """A module from features, fine to coarse, and the image's size to features (batch, channel, [z,] y, x)."""

    channels: int
    """Channels of its features."""

    def forward(self, features: list[Tensor], size: Sequence[int]) -> Tensor:
        """Return the features."""
        raise NotImplementedError


def assembled(encoder: Encoder, decoder: Decoder, classes: int, dropout: float) -> NetworkModule:
    """Return the network of a backbone, a decoder and the layer that answers at every pixel."""
    dims = len(encoder.strides[-1])
    answer = nn.Sequential(nn.Dropout(dropout), convolution(dims, decoder.channels, classes, 1, bias=True))
    coarsest = [max(steps) for steps in zip(*encoder.strides, strict=True)]
    net = _EncoderDecoder(encoder.backbone, decoder, answer)
    return Padded(net, coarsest, f"backbone.{encoder.backbone.last_features}")


class _EncoderDecoder(nn.Module):
    def __init__(self, backbone: Pyramid, decoder: Decoder, answer: nn.Module) -> None:
        super().__init__()
        self.backbone, self.decoder, self.answer = backbone, decoder, answer

    def forward(self, image: Float[Tensor, "b _ *s"]) -> Float[Tensor, "b k *s"]:
        size = image.shape[2:]
        return resized(self.answer(self.decoder(self.backbone(image), size)), size)
