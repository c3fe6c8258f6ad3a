"""MONAI's U-Net as a whole network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuse_engine.core.registry import register
from fuse_engine.models.base import Network, NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.padding import Padded
from fuse_engine.models.networks.strides import PerLevel, products, whole_strides


@register
class UNet(Network):
    """U-Net in 2-D or 3-D with residual units (MONAI's; Kerfoot 2018), fast as no level has the full size.

    Its first level is as coarse as its first stride already; ResUNet keeps one of the full size.
    """

    channels: Widths = Field(default_factory=lambda: [32, 64, 128, 256, 512], min_length=2)
    """Channels of each level, fine to coarse."""
    strides: PerLevel = Field(default_factory=list)
    """Steps down between the levels along (z, y, x), one entry fewer than channels; 1 keeps an axis, e.g. of
    thick slices. 2 along every axis where empty."""
    residual_units: int = Field(2, ge=0)
    """Residual units a level; 0 takes plain convolutions."""
    norm: Literal["batch", "instance"] = "batch"
    """What values are normalised over: the batch, or each image by itself."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of values switched off at random in training."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: when `strides` do not fit.
        """
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.unet import UNet as Net

        strides = whole_strides(self.strides, len(self.channels) - 1, dims)
        net = Net(
            spatial_dims=dims, in_channels=channels, out_channels=classes, channels=self.channels,
            strides=strides, num_res_units=self.residual_units, norm=self.norm, dropout=self.dropout,
        )  # fmt: skip
        # MONAI nests the levels: down, skip(what lies below), up
        return Padded(net, products(strides), "model" + ".1.submodule" * len(strides))
