"""LinkNet over any backbone."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.base import NetworkModule
from fuse_engine.models.networks.blocks import Norm, normaliser, resized, unit
from fuse_engine.models.networks.encoder import encoder
from fuse_engine.models.networks.encoder_decoder import Decoder, EncoderDecoder, assembled

_TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


@register
class LinkNet(EncoderDecoder):
    """Light decoder that adds the features of each level of a backbone on the way up (Chaurasia 2017)."""

    channels: int = Field(32, ge=1)
    """Channels of the last features, which have the size of the image."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: at `backbone` when it does not fit.
        """
        found = encoder(self.backbone, channels, dims)
        strides = [[1] * dims, *found.strides]
        factors = [
            [max(1, below // above) for above, below in zip(*pair, strict=True)]
            for pair in zip(strides, found.strides, strict=False)
        ]
        decoder = _LinkNetDecoder([self.channels, *found.channels], factors, self.norm)
        return assembled(found, decoder, classes, self.dropout)


class _LinkNetDecoder(Decoder):
    def __init__(self, levels: list[int], factors: list[list[int]], norm: Norm) -> None:
        super().__init__()
        self.channels = levels[0]
        pairs = zip(levels[1:], levels, factors, strict=False)
        self.blocks = nn.ModuleList(_step_up(below, above, factor, norm) for below, above, factor in pairs)

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
        last = features[-1]
        for level in reversed(range(1, len(features))):
            finer = features[level - 1]
            last = resized(self.blocks[level](last), finer.shape[2:]) + finer
        return resized(self.blocks[0](last), size)


def _step_up(before: int, after: int, factor: list[int], norm: Norm) -> nn.Module:
    """Return a narrow way to features `factor` times finer along each axis."""
    dims, narrow = len(factor), max(1, before // 4)
    # every finer pixel is reached by as many coarser ones, so no chequered pattern is left
    kernel = [2 * step + step % 2 for step in factor]
    margin = [(size - step) // 2 for size, step in zip(kernel, factor, strict=True)]
    larger = _TRANSPOSED[dims](narrow, narrow, kernel, factor, margin, bias=False)  # type: ignore[arg-type]
    return nn.Sequential(
        unit(dims, before, narrow, norm, 1), larger, normaliser(norm, dims, narrow), nn.ReLU(),
        unit(dims, narrow, after, norm, 1),
    )  # fmt: skip
