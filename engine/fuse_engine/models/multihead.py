"""One backbone, several heads."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator
from torch import nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.keys import ImageKey
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.models.base import FEATURES, Activation, Backbone, BatchModule, Head, Model, Pyramid, Shapes
from fuse_engine.models.shapes import head_keys, image_shape, located, read_images, sound_format, write_head

_NAME = re.compile(r"[A-Za-z_]\w*")


@register
class MultiHead(Model):
    """One backbone whose features go to several heads."""

    inputs: list[ImageKey] = Field(min_length=1)
    """Images of one size, put together along the channels, e.g. `data.input.image`."""
    backbone: Annotated[Backbone, Slot("backbone")] = ResNet()
    """What turns the image into features."""
    heads: dict[str, Annotated[Head, Slot("head")]] = Field(min_length=1)
    """What answers the questions; `classifier` writes `model.logits.classifier` and `model.output.classifier`."""

    @field_validator("heads")
    @classmethod
    def _named(cls, heads: dict[str, Head]) -> dict[str, Head]:
        wrong = [name for name in heads if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no name for a head, expected letters, digits and _")
        return heads

    def outputs(self) -> tuple[str, ...]:
        """Return the features' key, and those of every head."""
        return (FEATURES, *(key for head in self.heads for key in head_keys(head)))

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        channels, *size = image_shape(shapes, self.inputs)
        with located(f"backbone.{self.backbone.name()}"):
            backbone = self.backbone.build(channels, len(size))
        heads: dict[str, nn.Module] = {}
        for name, head in self.heads.items():
            with located(f"heads.{name}.{head.name()}"):
                heads[name] = head.build(backbone.channels, len(size), shapes, self.inputs)
        activations = [head.activation for head in self.heads.values()]
        return _MultiHead(tuple(self.inputs), backbone, heads, activations)


class _MultiHead(BatchModule):
    def __init__(
        self,
        inputs: tuple[str, ...],
        backbone: Pyramid,
        heads: dict[str, nn.Module],
        activations: list[Activation],
    ) -> None:
        super().__init__()
        self.inputs, self.names, self.backbone, self.activations = inputs, tuple(heads), backbone, activations
        # by position: a head may be called `type`, a module's child may not
        self.heads = nn.ModuleList(heads.values())
        self.last_features = f"backbone.{backbone.last_features}"

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        heads = zip(self.names, self.heads, strict=True)
        return {"backbone": self.backbone, **{f"heads.{name}": head for name, head in heads}}

    def forward(self, batch: NestedDict) -> NestedDict:
        result = batch.copy()
        with sound_format(read_images(batch, self.inputs)) as image:
            features = self.backbone(image)
            result[FEATURES] = features[-1]
            for name, head, activation in zip(self.names, self.heads, self.activations, strict=True):
                write_head(result, name, head(features, batch), activation)
        return result
