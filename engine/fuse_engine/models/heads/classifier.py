"""The head that answers one question a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import VectorKey
from fuse_engine.core.registry import register
from fuse_engine.models.base import Head, HeadModule, Shapes
from fuse_engine.models.layers import Widths, layer_stack
from fuse_engine.models.shapes import shape_of


@register
class GlobalPoolingClassifier(Head):
    """One class a sample, from the pooled coarsest features and table columns, by fully connected layers."""

    classes: int = Field(ge=2)
    """Number of classes."""
    tabular: list[VectorKey] = Field(default_factory=list)
    """Vectors put beside the pooled features, e.g. `data.input.clinical`."""
    pooling: Literal["max", "avg"] = "max"
    """What remains of each channel: its largest or its mean value."""
    layers: Widths = Field(default_factory=lambda: [256])
    """Channels of the hidden layers."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of hidden channels switched off at random in training."""

    @property
    def width(self) -> int:
        """Return the number of classes."""
        return self.classes

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the head with random weights.

        Raises:
            FuseError: naming the entry of `tabular` that does not fit.
        """
        extra = 0
        for index, key in enumerate(self.tabular):
            shape = shape_of(shapes, key, f"tabular.{index}")
            if len(shape) > 1:
                raise FuseError(
                    f"'{key}' is no vector", where=f"tabular.{index}", expected="a shape (n,)", got=str(shape)
                )
            extra += shape[0] if shape else 1
        stack = layer_stack(0, [levels[-1] + extra, *self.layers], self.classes, self.dropout)
        return _Classifier(stack, tuple(self.tabular), self.pooling)


class _Classifier(HeadModule):
    def __init__(self, stack: nn.Module, tabular: tuple[str, ...], pooling: str) -> None:
        super().__init__()
        self.stack, self.tabular, self.pooling = stack, tabular, pooling

    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        flat = features[-1].flatten(2)
        pooled = flat.amax(2) if self.pooling == "max" else flat.mean(2)
        beside = [batch[key].reshape(len(pooled), -1).to(pooled.dtype) for key in self.tabular]
        logits: Tensor = self.stack(torch.cat([pooled, *beside], 1))
        return logits
