"""MONAI's U-Net whose kernels and strides follow from the voxels, as nnU-Net chooses them."""

from __future__ import annotations

from math import ceil
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.models.base import Network, NetworkModule
from fuse_engine.models.layers import Widths
from fuse_engine.models.networks.padding import Padded
from fuse_engine.models.networks.strides import PerLevel, products, refuse_other_axes

_SMALLEST = 4
_PATCH = 128


def _positive(spacing: list[float]) -> list[float]:
    if any(step <= 0 for step in spacing):
        raise ValueError("expected distances above 0 mm")
    return spacing


def _odd(kernels: list[list[int]]) -> list[list[int]]:
    if any(size < 1 or size % 2 == 0 for kernel in kernels for size in kernel):
        raise ValueError("expected odd numbers from 1 up")
    return kernels


@register
class DynUNet(Network):
    """U-Net whose kernels and strides suit the voxels' size and the patch as in nnU-Net (MONAI's; Isensee 2021).

    Without deep supervision.
    """

    spacing: Annotated[list[float], AfterValidator(_positive)] = Field(default_factory=list)
    """Distance of voxels along (z, y, x), or pixels along (y, x), in mm; equal along all axes where empty."""
    patch: Widths = Field(default_factory=list)
    """Size of the images that it is trained on along (z, y, x) or (y, x); 128 along all axes where empty."""
    strides: PerLevel = Field(default_factory=list)
    """Steps down between the levels along (z, y, x); they follow from spacing and patch where empty."""
    kernels: Annotated[list[list[int]], AfterValidator(_odd)] = Field(default_factory=list)
    """Odd sizes of the kernels of each level along (z, y, x), one entry more than strides; together with them."""
    channels: Widths = Field(default_factory=list)
    """Channels of each level, fine to coarse, one entry more than strides; where empty twice those of the level
    above, from 32 to at most 512 for images and 320 for volumes."""
    residual: bool = False
    """Add a residual connection around the two convolutions of each level on the way down."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of values switched off at random in training."""

    @model_validator(mode="after")
    def _together(self) -> DynUNet:
        if self.kernels and not self.strides:
            raise ValueError("'kernels' need 'strides'")
        if self.kernels and len(self.kernels) != len(self.strides) + 1:
            raise ValueError(
                f"expected {len(self.strides) + 1} entries in 'kernels', one more than in 'strides', "
                f"got {len(self.kernels)}"
            )
        if self.strides and (self.spacing or self.patch):
            raise ValueError("'strides' and 'spacing' or 'patch', from which they follow, exclude each other")
        return self

    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the network with random weights.

        Raises:
            FuseError: naming the field that does not fit.
        """
        # MONAI takes seconds to import, and a form does not need it
        from monai.networks.nets.dynunet import DynUNet as Net

        strides, kernels = self._plan(dims)
        if len(strides) < 2:
            raise FuseError(
                "two levels below the first are the least", where="strides" if self.strides else "patch",
                expected="two strides" if self.strides else "a patch that can be halved twice, 16 pixels or more",
                got=f"{len(strides)} level(s) below the first",
            )  # fmt: skip
        net = Net(
            spatial_dims=dims, in_channels=channels, out_channels=classes, kernel_size=kernels,
            strides=[[1] * dims, *strides], upsample_kernel_size=strides, res_block=self.residual,
            filters=self._filters(dims, len(kernels)), dropout=self.dropout or None,
        )  # fmt: skip
        return Padded(net, products(strides), "bottleneck")

    def _plan(self, dims: int) -> tuple[list[list[int]], list[list[int]]]:
        """Return the strides and kernels, as given or as nnU-Net chooses them."""
        refuse_other_axes(self.strides, dims, "strides")
        refuse_other_axes(self.kernels, dims, "kernels")
        if self.strides:
            return self.strides, self.kernels or [[3] * dims] * (len(self.strides) + 1)
        for name, given in (("spacing", self.spacing), ("patch", self.patch)):
            if given and len(given) != dims:
                raise FuseError(
                    f"{given} does not fit {dims}-D images", where=name, expected=f"{dims} numbers",
                    got=f"{len(given)}",
                )  # fmt: skip
        return plan(self.spacing or [1.0] * dims, self.patch or [_PATCH] * dims)

    def _filters(self, dims: int, levels: int) -> list[int]:
        if not self.channels:
            return [min(32 * 2**level, 512 if dims == 2 else 320) for level in range(levels)]
        if len(self.channels) != levels:
            raise FuseError(
                "the channels do not fit the levels", where="channels", expected=f"{levels} numbers",
                got=f"{len(self.channels)}",
            )  # fmt: skip
        return self.channels


def plan(spacing: list[float], patch: list[int]) -> tuple[list[list[int]], list[list[int]]]:
    """Return the strides between the levels and the kernels of each (nnU-Net, Isensee 2021, methods).

    An axis is halved while 8 cells or more are left and none is twice as fine as it; kernels are 1 along an axis
    until the finest has come within a factor of two of it. `spacing` in mm, `patch` in voxels, both (z, y, x).
    """
    spacing, size, kernel = list(spacing), list(patch), [1] * len(patch)
    strides: list[list[int]] = []
    kernels: list[list[int]] = []
    while halved := _halved(spacing, size):
        finest = min(spacing)
        kernel = [3 if width == 3 or step < 2 * finest else 1 for width, step in zip(kernel, spacing, strict=True)]
        kernels.append(kernel)
        strides.append([2 if axis in halved else 1 for axis in range(len(size))])
        spacing = [step * stride for step, stride in zip(spacing, strides[-1], strict=True)]
        size = [ceil(count / stride) for count, stride in zip(size, strides[-1], strict=True)]
    return strides, [*kernels, [3] * len(patch)]


def _halved(spacing: list[float], size: list[int]) -> list[int]:
    """Return the axes that the next level halves."""
    large = [axis for axis, count in enumerate(size) if count >= 2 * _SMALLEST]
    finest = min((spacing[axis] for axis in large), default=0.0)
    chosen = [axis for axis in large if spacing[axis] < 2 * finest]
    alone = len(chosen) == 1 and size[chosen[0]] < 3 * _SMALLEST
    return [] if alone else chosen
