"""What models of a backbone or several have in common: features first, then heads that answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

from jaxtyping import Float
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.models.base import FEATURES, Activation, BatchModule, Head, HeadModule, Shapes
from fuse_engine.models.shapes import head_keys, located, read_inputs, sound_format, write_head

_NAME = re.compile(r"[A-Za-z_]\w*")
T = TypeVar("T")


def named(items: dict[str, T]) -> dict[str, T]:
    """Refuse names that cannot be a part of a key.

    Raises:
        ValueError: naming the first.
    """
    wrong = [name for name in items if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"'{wrong[0]}' is no name, expected letters, digits and _")
    return items


NamedHeads = Annotated[
    dict[str, Annotated[Head, Slot("head")]], Field(min_length=1), AfterValidator(named)
]  # fmt: skip
"""Heads by the name that their answer has in the batch."""


def heads_outputs(heads: Iterable[str], features: bool = True) -> tuple[str, ...]:
    """Return the keys that heads add to a batch, after that of the features where there are some."""
    return (*((FEATURES,) if features else ()), *(key for name in heads for key in head_keys(name)))


class Heads(nn.ModuleList):
    """The heads of a model, by position: a head may be called `type`, a module's child may not."""

    def __init__(self, heads: Mapping[str, HeadModule], answers: dict[str, Activation]) -> None:
        """Take the modules and activations by name."""
        super().__init__(heads.values())
        self.answers = answers

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {f"heads.{name}": head for name, head in zip(self.answers, self, strict=True)}

    def write(self, features: list[Float[Tensor, "b _ *_s"]], batch: NestedDict, result: NestedDict) -> None:
        """Add what the heads make of the features and of `batch` to `result`."""
        for (name, activation), head in zip(self.answers.items(), self, strict=True):
            write_head(result, name, head(features, batch), activation)


def build_heads(
    heads: Mapping[str, Head], levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]
) -> Heads:
    """Return the modules of heads for features with `levels` channels, fine to coarse; see `Head.build`.

    Raises:
        FuseError: `where` names the field, relative to the model.
    """
    made: dict[str, HeadModule] = {}
    for name, head in heads.items():
        with located(f"heads.{name}.{head.name()}"):
            made[name] = head.build(levels, dims, shapes, inputs)
    return Heads(made, {name: head.activation for name, head in heads.items()})


class Headed(BatchModule):
    """A module that makes features of its inputs, and has heads answer from them."""

    def __init__(self, inputs: Sequence[Sequence[str]], heads: Heads) -> None:
        """Take the keys of each input, put together along the channels, and the heads."""
        super().__init__()
        self.inputs, self.answers = [tuple(keys) for keys in inputs], heads.answers
        self.heads = heads

    def features(self, inputs: list[Float[Tensor, "b _ *_s"]]) -> list[Float[Tensor, "b _ *_t"]]:
        """Return the features, fine to coarse; none where nothing is looked at."""
        raise NotImplementedError

    def forward(self, batch: NestedDict) -> NestedDict:
        """Return a copy of `batch` with features, logits and outputs."""
        result = batch.copy()
        with sound_format([read_inputs(batch, keys) for keys in self.inputs]) as inputs:
            features = self.features(inputs)
            if features:
                result[FEATURES] = features[-1]
            self.heads.write(features, batch, result)
        return result
