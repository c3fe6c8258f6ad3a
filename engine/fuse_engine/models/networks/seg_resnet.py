"""MONAI's SegResNet as a whole network."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from fuse_engine.core.registry import register
from fuse_engine.models.base import Network, NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.padding import Padded


def _in_groups(count: int) -> int:
    if count % 8:
        raise ValueError("expected a multiple of 8, as channels are normalised in 8 groups")
    return count


@register
class SegResNet(Network):
    """Residual encoder with a light decoder, normalised by groups of channels (MONAI's; Myronenko 2018).

    Without the autoencoder branch of the paper. Each level is half as large along every axis.
    """

    channels: Annotated[int, AfterValidator(_in_groups)] = Field(16, ge=8)
    """Channels of the finest level, a multiple of 8; each level has twice those of the one above."""
    blocks_down: Widths = Field(default_factory=lambda: [1, 2, 2, 4], min_length=2)
    """Residual blocks of each level on the way down."""
    blocks_up: Widths = Field(default_factory=lambda: [1, 1, 1], min_length=1)
    """Residual blocks of each level on the way up, coarse to fine; one entry fewer."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of channels of the first features switched off at random in training."""

    @model_validator(mode="after")
    def _as_many(self) -> SegResNet:
        if len(self.blocks_up) != len(self.blocks_down) - 1:
            raise ValueError(
                f"expected {len(self.blocks_down) - 1} numbers in 'blocks_up', one fewer than in 'blocks_down', "
                f"got {len(self.blocks_up)}"
            )
        return self

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights."""
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.segresnet import SegResNet as Net

        net = Net(
            spatial_dims=dims, in_channels=channels, out_channels=classes, init_filters=self.channels,
            blocks_down=tuple(self.blocks_down), blocks_up=tuple(self.blocks_up),
            dropout_prob=self.dropout or None,
        )  # fmt: skip
        steps = len(self.blocks_up)
        return Padded(net, [2**steps] * dims, f"down_layers.{steps}")
