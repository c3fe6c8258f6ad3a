"""MONAI's U-Net as a whole network."""

from __future__ import annotations

from math import ceil
from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.registry import register
from fuse_engine.models.base import Network, NetworkModule
from fuse_engine.models.layers import Widths


@register
class UNet(Network):
    """U-Net in 2-D or 3-D with residual units (MONAI's); images of any size are padded to fit."""

    channels: Widths = Field(default_factory=lambda: [32, 64, 128, 256, 512], min_length=2)
    """Channels of each level; each level halves the image."""
    residual_units: int = Field(2, ge=0)
    """Residual units a level; 0 takes plain convolutions."""
    norm: Literal["batch", "instance"] = "batch"
    """What values are normalised over: the batch, or each image by itself."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of channels switched off at random in training."""

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights."""
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.unet import UNet as Net

        steps = len(self.channels) - 1
        net = Net(
            spatial_dims=dims, in_channels=channels, out_channels=classes, channels=self.channels,
            strides=[2] * steps, num_res_units=self.residual_units, norm=self.norm, dropout=self.dropout,
        )  # fmt: skip
        return _Padded(net, 2**steps, steps)


class _Padded(NetworkModule):
    """Pads images to what a network can halve `steps` times, and cuts its answer back."""

    def __init__(self, net: nn.Module, multiple: int, steps: int) -> None:
        super().__init__()
        self.net, self.multiple = net, multiple
        # MONAI nests the levels: down, skip(what lies below), up
        self.last_features = "net.model" + ".1.submodule" * steps

    def forward(self, image: Tensor) -> Tensor:
        size = image.shape[2:]
        # twice the multiple: a coarsest level of one pixel cannot be normalised
        whole = [max(2, ceil(n / self.multiple)) * self.multiple for n in size]
        before = [(wanted - given) // 2 for wanted, given in zip(whole, size, strict=True)]
        margins: list[int] = []
        for wanted, given, start in reversed(list(zip(whole, size, before, strict=True))):
            margins += [start, wanted - given - start]
        logits: Tensor = self.net(F.pad(image, margins, mode="replicate") if any(margins) else image)
        for axis, (start, given) in enumerate(zip(before, size, strict=True), 2):
            logits = logits.narrow(axis, start, given)
        return logits
