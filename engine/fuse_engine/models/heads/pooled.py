"""Heads that answer once a sample, from what remains of the features when space is pooled away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.models.base import Head, HeadModule, Shapes
from fuse_engine.models.heads.beside import BesideHead, Vectors
from fuse_engine.models.layers import layer_stack


class PooledHead(BesideHead):
    """One answer a sample, from the pooled coarsest features by fully connected layers."""

    pooling: Literal["max", "avg"] = "max"
    """What remains of each channel: its largest or its mean value."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the head with random weights.

        Raises:
            FuseError: naming the entry of `tabular` or `conv_inputs` that does not fit.
        """
        refuse_no_features(self, levels)
        vectors = self.vectors(shapes)
        first = levels[-1] + self.map_channels(shapes, dims) + vectors.width
        stack = layer_stack(0, [first, *self.layers], self.width, self.dropout)
        return _Pooled(vectors, tuple(self.conv_inputs), self.pooling, stack)


def refuse_no_features(head: Head, levels: list[int]) -> None:
    """Refuse a model without features, for a head that needs them.

    Raises:
        FuseError: naming the heads that need none.
    """
    if not levels:
        raise FuseError(
            f"{head.name()} needs features, the model has no backbone", expected="a backbone, or TabularClassifier"
        )


class _Pooled(HeadModule):
    def __init__(self, vectors: Vectors, maps: tuple[str, ...], pooling: str, stack: nn.Module) -> None:
        super().__init__()
        self.vectors, self.maps, self.pooling, self.stack = vectors, maps, pooling, stack

    def forward(self, features: list[Float[Tensor, "b _ *_s"]], batch: NestedDict) -> Float[Tensor, "b w"]:
        last = features[-1]
        pooled = [self._pool(each.to(last.dtype)) for each in (last, *(batch[key] for key in self.maps))]
        logits: Tensor = self.stack(torch.cat([*pooled, self.vectors(batch, last)], 1))
        return logits

    def _pool(self, image: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c"]:
        flat = image.flatten(2) if image.ndim > 2 else image[:, :, None]
        return flat.amax(2) if self.pooling == "max" else flat.mean(2)
