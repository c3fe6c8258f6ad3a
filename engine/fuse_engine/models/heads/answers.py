"""What heads answer: one of several classes, labels, values, a risk, or any of the first two at every pixel."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from fuse_engine.core.keys import Holding
from fuse_engine.models.base import Activation, Head


class ClassHead(Head):
    """A head that tells one of several classes."""

    holds: ClassVar[tuple[Holding, ...]] = ("classes",)
    classes: int = Field(ge=2)
    """Number of classes."""

    @property
    def width(self) -> int:
        """Return the number of classes."""
        return self.classes


class LabelHead(Head):
    """A head that says of each label by itself whether it is there."""

    holds: ClassVar[tuple[Holding, ...]] = ("labels",)
    labels: int = Field(ge=1)
    """Number of labels."""

    @property
    def width(self) -> int:
        """Return the number of labels."""
        return self.labels

    @property
    def activation(self) -> Activation:
        """Return `sigmoid`: labels do not exclude each other."""
        return "sigmoid"


class ValueHead(Head):
    """A head that tells numbers."""

    holds: ClassVar[tuple[Holding, ...]] = ("numbers",)
    values: int = Field(1, ge=1)
    """How many numbers a sample has."""

    @property
    def width(self) -> int:
        """Return the number of values."""
        return self.values

    @property
    def activation(self) -> Activation:
        """Return `none`: the output is the value itself."""
        return "none"


class RiskHead(Head):
    """A head that tells the logarithm of a risk."""

    holds: ClassVar[tuple[Holding, ...]] = ("numbers",)

    @property
    def width(self) -> int:
        """Return 1."""
        return 1

    @property
    def activation(self) -> Activation:
        """Return `none`: the output is the logarithm of the risk."""
        return "none"


class MapHead(Head):
    """A head that answers at every pixel."""

    holds: ClassVar[tuple[Holding, ...]] = ("label map", "map")
    classes: int = Field(ge=1)
    """Number of classes; of labels where they may overlap."""
    overlapping: bool = False
    """Labels may overlap: each by itself is there or not, in place of one class a pixel."""

    @model_validator(mode="after")
    def _exclude(self) -> MapHead:
        if self.classes < 2 and not self.overlapping:
            raise ValueError("classes: expected 2 or more, background included, or overlapping: true")
        return self

    @property
    def width(self) -> int:
        """Return the number of classes."""
        return self.classes

    @property
    def activation(self) -> Activation:
        """Return `softmax`, for labels that may overlap `sigmoid`."""
        return "sigmoid" if self.overlapping else "softmax"
