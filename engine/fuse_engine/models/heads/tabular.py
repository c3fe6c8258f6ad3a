"""The head that looks at no image."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.keys import VectorKey
from fuse_engine.core.registry import register
from fuse_engine.models.base import HeadModule, Shapes
from fuse_engine.models.heads.answers import ClassHead
from fuse_engine.models.heads.beside import Vectors, vector_widths
from fuse_engine.models.layers import Widths


@register
class TabularClassifier(ClassHead):
    """One class a sample from table columns alone, by fully connected layers."""

    tabular: list[VectorKey] = Field(min_length=1)
    """Vectors put together, e.g. `data.input.clinical`."""
    layers: Widths = Field(default_factory=lambda: [64, 64])
    """Channels of the hidden layers."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of hidden channels switched off at random in training."""

    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the head with random weights; it needs no features.

        Raises:
            FuseError: naming the entry of `tabular` that does not fit.
        """
        vectors = Vectors(self.tabular, vector_widths(shapes, self.tabular), self.layers, self.dropout)
        return _Tabular(vectors, nn.Linear(vectors.width, self.classes))


class _Tabular(HeadModule):
    def __init__(self, vectors: Vectors, last: nn.Linear) -> None:
        super().__init__()
        self.vectors, self.last = vectors, last

    def forward(self, features: list[Tensor], batch: NestedDict) -> Float[Tensor, "b w"]:
        first: Tensor = batch[self.vectors.keys[0]]
        like = self.last.weight.new_empty(len(first), 0)
        logits: Tensor = self.last(self.vectors(batch, like))
        return logits
