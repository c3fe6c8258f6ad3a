"""One backbone that looks at several views."""

from __future__ import annotations

from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import InputKey
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.fit import build_backbone
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.models.base import Backbone, BatchModule, Model, Pyramid, Shapes
from fuse_engine.models.heading import Headed, Heads, NamedHeads, build_heads, heads_outputs
from fuse_engine.models.joining import Comparison, compared
from fuse_engine.models.shapes import located, shape_of


@register
class Siamese(Model):
    """One backbone that looks at two or more views, e.g. prior and current; heads answer from all of them."""

    inputs: list[InputKey] = Field(min_length=2)
    """Views of one shape, each looked at by itself, e.g. `data.input.prior`, `data.input.current`."""
    backbone: Annotated[Backbone, Slot("backbone")] = ResNet()
    """What turns each view into features; there is one, with one set of weights."""
    join: Comparison = "concat"
    """How features are joined, level by level: along the channels, or every later view's minus the first one's."""
    heads: NamedHeads
    """What answers the questions; `classifier` writes `model.logits.classifier` and `model.output.classifier`."""

    def outputs(self) -> tuple[str, ...]:
        """Return the key of the joined features, and those of every head."""
        return heads_outputs(self.heads)

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        shape = self._shape(shapes)
        with located(f"backbone.{self.backbone.name()}"):
            backbone = build_backbone(self.backbone, shape)
        times = len(self.inputs) if self.join == "concat" else len(self.inputs) - 1
        levels = [times * count for count in backbone.channels]
        heads = build_heads(self.heads, levels, len(shape) - 1, shapes, self.inputs)
        return _Siamese(self.inputs, backbone, self.join, heads)

    def _shape(self, shapes: Shapes) -> tuple[int, ...]:
        found = [shape_of(shapes, key, f"inputs.{index}") or (1,) for index, key in enumerate(self.inputs)]
        for index, shape in enumerate(found):
            if shape != found[0]:
                raise FuseError(
                    f"'{self.inputs[index]}' and '{self.inputs[0]}' differ in shape", where=f"inputs.{index}",
                    expected=f"the shape {found[0]}", got=str(shape),
                )  # fmt: skip
        return found[0]


class _Siamese(Headed):
    last_features = "joined"

    def __init__(self, inputs: list[str], backbone: Pyramid, join: Comparison, heads: Heads) -> None:
        super().__init__([[key] for key in inputs], heads)
        self.backbone, self.join = backbone, join
        self.joined = nn.Identity()

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {"backbone": self.backbone, **self.heads.parts}

    def features(self, inputs: list[Float[Tensor, "b c *s"]]) -> list[Float[Tensor, "b _ *_t"]]:
        # at once: statistics of a batch are those of all views, in training as in prediction
        levels = self.backbone(torch.cat(inputs))
        found = [compared(level.chunk(len(inputs)), self.join) for level in levels]
        return [*found[:-1], self.joined(found[-1])]
