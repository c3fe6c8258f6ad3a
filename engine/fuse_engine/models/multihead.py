"""One backbone, several heads."""

from __future__ import annotations

from typing import Annotated

from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from fuse_engine.core.component import Slot
from fuse_engine.core.keys import InputKey
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.fit import build_backbone
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.models.base import Backbone, BatchModule, Model, Pyramid, Shapes
from fuse_engine.models.heading import Headed, Heads, NamedHeads, build_heads, heads_outputs
from fuse_engine.models.shapes import input_shape, located


@register
class MultiHead(Model):
    """One backbone whose features go to several heads; heads on table columns alone need none."""

    inputs: list[InputKey] = Field(default_factory=list)
    """Images, signals or vectors of one size, put together along the channels, e.g. `data.input.image`."""
    backbone: Annotated[Backbone, Slot("backbone")] | None = ResNet()
    """What turns the inputs into features; empty where all heads read table columns alone."""
    heads: NamedHeads
    """What answers the questions; `classifier` writes `model.logits.classifier` and `model.output.classifier`."""

    @model_validator(mode="after")
    def _fed(self) -> MultiHead:
        if self.backbone and not self.inputs:
            raise ValueError("inputs: expected at least one, or no backbone where all heads read tables alone")
        if self.inputs and not self.backbone:
            raise ValueError("backbone: expected one for the inputs, or no inputs")
        return self

    def outputs(self) -> tuple[str, ...]:
        """Return the features' key, and those of every head."""
        return heads_outputs(self.heads, self.backbone is not None)

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        if self.backbone is None:
            return _MultiHead([], None, build_heads(self.heads, [], 0, shapes, ()))
        channels, *size = input_shape(shapes, self.inputs)
        with located(f"backbone.{self.backbone.name()}"):
            backbone = build_backbone(self.backbone, (channels, *size))
        heads = build_heads(self.heads, backbone.channels, len(size), shapes, self.inputs)
        return _MultiHead([self.inputs], backbone, heads)


class _MultiHead(Headed):
    def __init__(self, inputs: list[list[str]], backbone: Pyramid | None, heads: Heads) -> None:
        super().__init__(inputs, heads)
        self.backbone = backbone
        self.last_features = f"backbone.{backbone.last_features}" if backbone else ""

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {**({"backbone": self.backbone} if self.backbone else {}), **self.heads.parts}

    def features(self, inputs: list[Float[Tensor, "b _ *_s"]]) -> list[Float[Tensor, "b _ *_t"]]:
        found: list[Tensor] = self.backbone(inputs[0]) if self.backbone else []
        return found
