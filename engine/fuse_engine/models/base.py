"""The kinds a model is made of: settings that build torch modules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Located
from fuse_engine.core.keys import Holding, keys_of

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of one sample's tensors by key, without the batch axis: images (channel, [z,] y, x), signals (channel, x),
vectors (n,) or ()."""

Activation = Literal["softmax", "sigmoid", "none"]
"""What makes the output of logits: shares of classes that exclude each other, of each by itself, or nothing."""

FEATURES = "model.backbone_features"
"""Where a model puts its coarsest features (batch, channel, [z,] y, x)."""


class BatchModule(nn.Module):
    """A module from batch dict to batch dict: `forward` returns a copy with `model.*` added."""

    last_features: str
    """Name of the submodule, as in `get_submodule`, that gives the coarsest features with places in the image.

    Mostly they are `model.backbone_features`; empty where there are none.
    """
    answers: dict[str, Activation]
    """What the model answers, by the name of the head, and what makes the output of its logits."""

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name, e.g. `backbone`, `heads.classifier`."""
        raise NotImplementedError

    def forward(self, batch: NestedDict) -> NestedDict:
        """Return a copy of `batch` with `model.*` added."""
        raise NotImplementedError


class Model(Located):
    """What is trained: settings that build a module which reads inputs and adds `model.*` to the batch."""

    kind: ClassVar[str] = "model"

    def reads(self) -> tuple[str, ...]:
        """Return the keys of its inputs; what it answers is shown on the first that is an image."""
        return tuple(key for keys in keys_of(self).values() for key in keys)

    @abstractmethod
    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """

    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Return the keys that the module adds to a batch."""


class Pyramid(nn.Module):
    """A module from (batch, channel, [[z,] y,] x) or (batch, channel) to such features, fine to coarse."""

    channels: list[int]
    """Channels of each level, fine to coarse."""
    last_features: str
    """Name of the submodule whose output is the coarsest level."""

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features, fine to coarse."""
        raise NotImplementedError


class Backbone(Located):
    """The part of a model that turns an image, a signal or a vector into features at several resolutions."""

    kind: ClassVar[str] = "backbone"
    dims: ClassVar[tuple[int, ...]] = (2, 3)
    """Numbers of spatial axes it works for: images 2 or 3, signals (channel, x) 1, vectors 0."""

    @property
    def smallest(self) -> int:
        """Return the pixels that an image must have along every axis."""
        return 1

    @abstractmethod
    def build(self, channels: int, dims: int) -> Pyramid:
        """Return the module for inputs of that many channels and one of `dims` spatial axes.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """


class NetworkModule(nn.Module):
    """A module from (batch, channel, [z,] y, x) to logits (batch, classes, [z,] y, x) of the same size."""

    last_features: str
    """Name of the submodule whose output is the coarsest features."""

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits."""
        raise NotImplementedError


class Network(Located):
    """A whole network from image to one label map."""

    kind: ClassVar[str] = "network"
    dims: ClassVar[tuple[int, ...]] = (2, 3)
    """Numbers of spatial axes it works for."""

    @abstractmethod
    def build(self, channels: int, classes: int, dims: int) -> NetworkModule:
        """Return the module for images of that many channels and one of `dims` spatial axes.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """


class HeadModule(nn.Module):
    """A module from features, fine to coarse, and the batch to logits (batch, width[, [z,] y, x])."""

    def forward(self, features: list[Tensor], batch: NestedDict) -> Tensor:
        """Return the logits."""
        raise NotImplementedError


class Head(Located):
    """The part of a model that turns features into the answer to one question."""

    kind: ClassVar[str] = "head"
    holds: ClassVar[tuple[Holding, ...]] = ()
    """What the truth holds that an answer is compared with, the most usual first; not said where empty."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Return the channels of the answer: its classes, labels or values."""

    @property
    def activation(self) -> Activation:
        """Return what makes the output of the logits."""
        return "softmax"

    @abstractmethod
    def build(self, levels: list[int], dims: int, shapes: Shapes, inputs: Sequence[str]) -> HeadModule:
        """Return the module for features with `levels` channels, fine to coarse, and `dims` spatial axes.

        The answer of a pixel has the size of the first of `inputs`. Without features both lists are empty.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
