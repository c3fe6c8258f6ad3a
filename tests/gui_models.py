"""A small catalogue of models, heads, losses and metrics with the roles of their keys."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from fuse_engine.core.catalog import Catalog, Entry, describe
from fuse_engine.core.component import Holds
from fuse_engine.core.keys import ClassKey, Holding, ImageKey, LogitsKey, MapKey, OutputKey, VectorKey
from tests.gui_toys import Toy


class ResNet(Toy):
    """Residual network."""

    depth: int = Field(18, ge=10)


class Swin(Toy):
    """Attention in windows, for volumes."""


class UNet(Toy):
    """Down and up again."""


class MultiHead(Toy):
    """One backbone whose features go to several heads."""

    inputs: list[ImageKey]
    backbone: Annotated[Any, Holds("backbone")] = Field({"ResNet": {}})
    heads: dict[str, Annotated[Any, Holds("head")]]


class Stream(BaseModel):
    """Inputs with a backbone of their own."""

    inputs: list[ImageKey]
    backbone: Annotated[Any, Holds("backbone")] = Field({"ResNet": {}})


class Multistream(Toy):
    """Several streams whose features are joined."""

    streams: dict[str, Stream]
    heads: dict[str, Annotated[Any, Holds("head")]]


class Wrap(Toy):
    """A whole network."""

    inputs: list[ImageKey]
    network: Annotated[Any, Holds("network")] = Field({"UNet": {}})
    classes: int = 2
    output: str = "segmentation"


class GlobalPoolingClassifier(Toy):
    """One class for the whole image."""

    holds: ClassVar[tuple[Holding, ...]] = ("classes",)
    classes: int = Field(ge=2)
    tabular: list[VectorKey] = Field([])


class DenseSegmentation(Toy):
    """One class for every pixel."""

    holds: ClassVar[tuple[Holding, ...]] = ("label map",)
    classes: int = Field(ge=2)


class CrossEntropy(Toy):
    """Cross-entropy of classes."""

    pred: LogitsKey
    target: ClassKey
    weight: float = 1.0


class SegmentationCrossEntropy(CrossEntropy):
    """Cross-entropy of every pixel."""

    target: MapKey


class Dice(CrossEntropy):
    """One minus the overlap of masks."""

    target: MapKey


class AUC(Toy):
    """Area under the ROC curve."""

    pred: OutputKey
    target: ClassKey
    names: list[str] = Field([])


class Accuracy(AUC):
    """Share of samples that are right."""


class IoU(AUC):
    """Overlap of masks."""

    target: MapKey


def _of(kind: str, *classes: type[Toy], dims: tuple[int, ...] = ()) -> list[Entry]:
    return [describe(cls).model_copy(update={"kind": kind, "dims": dims}) for cls in classes]


MODELS = Catalog(entries=(
    *_of("backbone", ResNet, dims=(2, 3)), *_of("backbone", Swin, dims=(3,)), *_of("network", UNet, dims=(2, 3)),
    *_of("head", GlobalPoolingClassifier, DenseSegmentation), *_of("model", MultiHead, Multistream, Wrap),
    *_of("loss", CrossEntropy, SegmentationCrossEntropy, Dice), *_of("metric", AUC, Accuracy, Dice, IoU),
))  # fmt: skip
