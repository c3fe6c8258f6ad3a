"""The head that answers one question a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.models.base import Head, HeadModule, Shapes
from fuse_engine.models.layers import Widths, layer_stack, mix
from fuse_engine.models.shapes import image_shape, shape_of

_LINEAR = {2: "bilinear", 3: "trilinear"}


@register
class DenseSegmentation(Head):
    """One class a pixel, at the size of the input or of another image."""

    classes: int = Field(ge=2)
    """Number of classes."""
    like: Key | None = None
    """Image or label map whose size the answer has, e.g. `data.gt.segmentation`; the first input's where empty."""
    skips: bool = True
    """Add the finer features on the way up; without them only the coarsest ones are used."""
    channels: int = Field(64, ge=1)
    """Channels on the way up."""
    layers: Widths = Field(default_factory=list)
    """Channels of the hidden layers at the end, pixel by pixel."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of hidden channels switched off at random in training."""

    @property
    def width(self) -> int:
        """Return the number of classes."""
        return self.classes

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the head with random weights; it keeps the ratio of the answer's to the input's size.

        Raises:
            FuseError: when `like` is no image with as many axes as the input.
        """
        size = image_shape(shapes, inputs)[1:]
        target = size if self.like is None else shape_of(shapes, self.like, "like")[1:]
        if len(target) != dims:
            raise FuseError(
                f"'{self.like}' does not fit the {dims}-D input", where="like",
                expected=f"a shape (channel, {'z, ' * (dims - 2)}y, x)",
                got=str(shape_of(shapes, str(self.like), "like")),
            )  # fmt: skip
        ratio = tuple(wanted / given for wanted, given in zip(target, size, strict=True))
        ascent = _Ascent(levels, self.channels, dims) if self.skips else None
        first = self.channels if self.skips else levels[-1]
        stack = layer_stack(dims, [first, *self.layers], self.classes, self.dropout)
        return _Segmentation(ascent, stack, inputs[0], ratio)


class _Segmentation(HeadModule):
    def __init__(self, ascent: nn.Module | None, stack: nn.Module, image: str, ratio: tuple[float, ...]) -> None:
        super().__init__()
        self.ascent, self.stack, self.image, self.ratio = ascent, stack, image, ratio

    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        last = features[-1] if self.ascent is None else self.ascent(features)
        size = [round(n * r) for n, r in zip(batch[self.image].shape[2:], self.ratio, strict=True)]
        return _resize(self.stack(last), size)


class _Ascent(nn.Module):
    """Brings every level to the same channels and adds them up, coarse to fine (a feature pyramid)."""

    def __init__(self, levels: list[int], channels: int, dims: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList([mix(dims, count, channels) for count in levels])
        self.smooth = nn.ModuleList([self._smoother(channels, dims) for _ in levels[:-1]])

    @staticmethod
    def _smoother(channels: int, dims: int) -> nn.Module:
        # normalised by groups: a batch of one volume with one coarse voxel can be trained on
        norm = nn.GroupNorm(gcd(8, channels), channels)
        return nn.Sequential(mix(dims, channels, channels, reach=1), norm, nn.ReLU())

    def forward(self, features: list[Tensor]) -> Tensor:
        last: Tensor = self.sides[-1](features[-1])
        for index in reversed(range(len(features) - 1)):
            side = self.sides[index](features[index])
            last = self.smooth[index](side + _resize(last, side.shape[2:]))
        return last


def _resize(image: Tensor, size: Sequence[int]) -> Tensor:
    if list(image.shape[2:]) == list(size):
        return image
    return F.interpolate(image, size=list(size), mode=_LINEAR[image.ndim - 2], align_corners=False)
