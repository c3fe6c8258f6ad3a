"""What heads put beside the features: table columns and further maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import Key, VectorKey
from fuse_engine.models.base import Head, Shapes
from fuse_engine.models.layers import Widths
from fuse_engine.models.shapes import shape_of


class BesideHead(Head):
    """A head that takes table columns and further maps beside the features (seed 000: `post_concat_inputs`)."""

    tabular: list[VectorKey] = Field(default_factory=list)
    """Vectors put beside the features, e.g. `data.input.clinical`."""
    tabular_layers: Widths = Field(default_factory=list)
    """Channels of layers that the vectors go through first; none where empty."""
    conv_inputs: list[Key] = Field(default_factory=list)
    """Further maps put beside the features, e.g. the image itself, `data.input.image`."""
    layers: Widths = Field(default_factory=lambda: [256])
    """Channels of the hidden layers."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of hidden channels switched off at random in training."""

    def vectors(self, shapes: Shapes) -> Vectors:
        """Return what joins the table columns.

        Raises:
            FuseError: naming the entry of `tabular` that does not fit.
        """
        return Vectors(self.tabular, vector_widths(shapes, self.tabular), self.tabular_layers, self.dropout)

    def map_channels(self, shapes: Shapes, dims: int) -> int:
        """Return the channels of `conv_inputs` together.

        Raises:
            FuseError: naming the entry that is no map with `dims` axes.
        """
        channels = 0
        for index, key in enumerate(self.conv_inputs):
            shape = shape_of(shapes, key, where := f"conv_inputs.{index}")
            if len(shape) != dims + 1:
                raise FuseError(
                    f"'{key}' does not fit the {dims}-D features", where=where,
                    expected=f"a shape (channel, {', '.join('zyx'[3 - dims :])})", got=str(shape),
                )  # fmt: skip
            channels += shape[0]
        return channels


def vector_widths(shapes: Shapes, keys: Sequence[str]) -> list[int]:
    """Return how many numbers each key holds.

    Raises:
        FuseError: naming the entry of `tabular` that is no vector.
    """
    found = []
    for index, key in enumerate(keys):
        shape = shape_of(shapes, key, f"tabular.{index}")
        if len(shape) > 1:
            raise FuseError(
                f"'{key}' is no vector", where=f"tabular.{index}", expected="a shape (n,)", got=str(shape)
            )
        found.append(shape[0] if shape else 1)
    return found


class Vectors(nn.Module):
    """Joins table columns of a batch, and sends them through layers of their own."""

    width: int
    """Channels of the result."""

    def __init__(self, keys: Sequence[str], widths: list[int], layers: list[int], dropout: float) -> None:
        super().__init__()
        self.keys = tuple(keys)
        sizes = [sum(widths), *(layers if keys else [])]
        stack: list[nn.Module] = []
        for before, after in pairwise(sizes):
            stack += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.stack, self.width = nn.Sequential(*stack), sizes[-1]

    def forward(self, batch: NestedDict, like: Tensor) -> Float[Tensor, "b n"]:
        """Return the columns (batch, width) with the type and on the device of `like`."""
        columns = [batch[key].reshape(len(like), -1).to(like.dtype) for key in self.keys]
        joined: Tensor = self.stack(torch.cat(columns, 1)) if columns else like.new_zeros(len(like), 0)
        return joined
