"""The layers that networks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Norm = Literal["group", "batch", "instance"]
"""What values are normalised over: groups of channels of an image, the batch, or each channel of an image."""

_CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
_BATCH = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_INSTANCE = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
_LINEAR = {2: "bilinear", 3: "trilinear"}
_GROUPS = 8


def convolution(
    dims: int, before: int, after: int, kernel: int = 3, stride: Sequence[int] | int = 1, *,
    dilation: int = 1, groups: int = 1, bias: bool = False,
) -> nn.Module:  # fmt: skip
    """Return a convolution by an odd kernel that keeps the size, but for its stride."""
    return _CONVOLUTIONS[dims](
        before, after, kernel, stride, padding=dilation * (kernel // 2), dilation=dilation, groups=groups,  # type: ignore[arg-type]
        bias=bias,
    )  # fmt: skip


def normaliser(norm: Norm, dims: int, channels: int) -> nn.Module:
    """Return the layer that normalises; groups have two channels or more, so that one voxel is enough."""
    if norm == "batch":
        return _BATCH[dims](channels)
    if norm == "instance":
        return _INSTANCE[dims](channels, affine=True)
    groups = next((count for count in (_GROUPS, 4, 2) if channels % (2 * count) == 0), 1)
    return nn.GroupNorm(groups, channels)


def unit(dims: int, before: int, after: int, norm: Norm, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """Return convolution, normalisation, ReLU."""
    layer = convolution(dims, before, after, kernel, dilation=dilation)
    return nn.Sequential(layer, normaliser(norm, dims, after), nn.ReLU())


def separable(dims: int, before: int, after: int, norm: Norm, dilation: int = 1) -> nn.Sequential:
    """Return a unit whose convolution looks around in each channel, then mixes the channels (Chollet 2017)."""
    around = convolution(dims, before, before, dilation=dilation, groups=before)
    return nn.Sequential(around, *unit(dims, before, after, norm, kernel=1))


def resized(image: Float[Tensor, "b c *_s"], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
    """Return features at another size, by linear interpolation."""
    if list(image.shape[2:]) == list(size):
        return image
    return F.interpolate(image, size=list(size), mode=_LINEAR[image.ndim - 2], align_corners=False)
