"""The head that answers one question a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.models.base import HeadModule, Shapes
from fuse_engine.models.heads.answers import MapHead
from fuse_engine.models.heads.beside import BesideHead, Vectors
from fuse_engine.models.heads.pooled import refuse_no_features
from fuse_engine.models.layers import Widths, layer_stack, mix
from fuse_engine.models.shapes import image_shape, shape_of

_LINEAR = {2: "bilinear", 3: "trilinear"}


@register
class DenseSegmentation(BesideHead, MapHead):
    """One class a pixel, at the size of the input or of another image."""

    like: Key | None = None
    """Image or label map whose size the answer has, e.g. `data.gt.segmentation`; the first input's where empty."""
    skips: bool = True
    """Add the finer features on the way up; without them only the coarsest ones are used."""
    channels: int = Field(64, ge=1)
    """Channels on the way up."""
    layers: Widths = Field(default_factory=list)
    """Channels of the hidden layers at the end, pixel by pixel."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the head with random weights; it keeps the ratio of the answer's to the input's size.

        Raises:
            FuseError: when the features are no maps, or naming the field that does not fit them.
        """
        refuse_no_features(self, levels)
        if dims not in _LINEAR:
            raise FuseError(
                f"{self.name()} answers by pixel, the inputs are no images", expected="an image or a volume"
            )
        vectors = self.vectors(shapes)
        beside = self.map_channels(shapes, dims) + vectors.width
        ascent = _Ascent(levels, self.channels, dims) if self.skips else None
        first = self.channels if self.skips else levels[-1]
        stack = layer_stack(dims, [first + beside, *self.layers], self.classes, self.dropout)
        maps, ratio = tuple(self.conv_inputs), self._ratio(dims, shapes, inputs)
        return _Segmentation(ascent, vectors, maps, stack, inputs[0], ratio)

    def _ratio(self, dims: int, shapes: Shapes, inputs: Sequence[str]) -> tuple[float, ...]:
        size = image_shape(shapes, inputs)[1:]
        target = size if self.like is None else shape_of(shapes, self.like, "like")[1:]
        if len(target) != dims:
            raise FuseError(
                f"'{self.like}' does not fit the {dims}-D input", where="like",
                expected=f"a shape (channel, {'z, ' * (dims - 2)}y, x)",
                got=str(shape_of(shapes, str(self.like), "like")),
            )  # fmt: skip
        return tuple(wanted / given for wanted, given in zip(target, size, strict=True))


class _Segmentation(HeadModule):
    def __init__(
        self, ascent: nn.Module | None, vectors: Vectors, maps: tuple[str, ...], stack: nn.Module, image: str,
        ratio: tuple[float, ...],
    ) -> None:  # fmt: skip
        super().__init__()
        self.ascent, self.vectors, self.maps, self.stack = ascent, vectors, maps, stack
        self.image, self.ratio = image, ratio

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], batch: NestedDict) -> Float[Tensor, "b w *_t"]:
        last = features[-1] if self.ascent is None else self.ascent(features)
        size = [round(n * r) for n, r in zip(batch[self.image].shape[2:], self.ratio, strict=True)]
        return _resize(self.stack(self._joined(last, batch)), size)

    def _joined(self, last: Float[Tensor, "b c *s"], batch: NestedDict) -> Float[Tensor, "b k *s"]:
        """Put maps, and vectors at every pixel, beside the features."""
        maps = [_resize(batch[key].to(last.dtype), last.shape[2:]) for key in self.maps]
        vectors = self.vectors(batch, last)
        everywhere = vectors.reshape(*vectors.shape, *[1] * (last.ndim - 2)).expand(-1, -1, *last.shape[2:])
        return torch.cat([last, *maps, everywhere], 1)


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

    def forward(self, features: list[Float[Tensor, "b _ *_s"]]) -> Float[Tensor, "b c *t"]:
        last: Tensor = self.sides[-1](features[-1])
        for index in reversed(range(len(features) - 1)):
            side = self.sides[index](features[index])
            last = self.smooth[index](side + _resize(last, side.shape[2:]))
        return last


def _resize(image: Tensor, size: Sequence[int]) -> Tensor:
    if list(image.shape[2:]) == list(size):
        return image
    return F.interpolate(image, size=list(size), mode=_LINEAR[image.ndim - 2], align_corners=False)
