"""A whole network as the model."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.keys import Holding, ImageKey
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.fit import check_dims
from fuse_engine.models.base import FEATURES, Activation, BatchModule, Model, Network, NetworkModule, Shapes
from fuse_engine.models.networks.unet import UNet
from fuse_engine.models.shapes import head_keys, image_shape, located, read_inputs, sound_format, write_head
from fuse_engine.models.watching import outputs_of


@register
class Wrap(Model):
    """A whole network from image to label map, e.g. a U-Net."""

    holds: ClassVar[tuple[Holding, ...]] = ("label map", "map")
    inputs: list[ImageKey] = Field(min_length=1)
    """Images of one size, put together along the channels, e.g. `data.input.image`."""
    network: Annotated[Network, Slot("network")] = UNet()
    """What turns the image into one class a pixel."""
    classes: int = Field(2, ge=1)
    """Number of classes; of labels where they may overlap."""
    overlapping: bool = False
    """Labels may overlap: each by itself is there or not, in place of one class a pixel."""
    output: str = Field("segmentation", pattern=r"^[A-Za-z_]\w*$")
    """Name of the answer; `segmentation` is read as `model.logits.segmentation`, `model.output.segmentation`."""

    @model_validator(mode="after")
    def _exclude(self) -> Wrap:
        if self.classes < 2 and not self.overlapping:
            raise ValueError("classes: expected 2 or more, background included, or overlapping: true")
        return self

    def outputs(self) -> tuple[str, ...]:
        """Return the keys of the features and of the answer."""
        return (FEATURES, *head_keys(self.output))

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        channels, *size = image_shape(shapes, self.inputs)
        with located(f"network.{self.network.name()}"):
            check_dims(self.network, len(size))
            network = self.network.build(channels, self.classes, len(size))
        return _Wrap(tuple(self.inputs), network, {self.output: "sigmoid" if self.overlapping else "softmax"})


class _Wrap(BatchModule):
    def __init__(self, inputs: tuple[str, ...], network: NetworkModule, answers: dict[str, Activation]) -> None:
        super().__init__()
        self.inputs, self.network, self.answers = inputs, network, answers
        self.last_features = f"network.{network.last_features}"

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {"network": self.network}

    def forward(self, batch: NestedDict) -> NestedDict:
        result = batch.copy()
        with (
            outputs_of(self.get_submodule(self.last_features)) as found,
            sound_format([read_inputs(batch, self.inputs)]) as (image,),
        ):
            logits: Tensor = self.network(image)
        result[FEATURES] = found[-1]
        for name, activation in self.answers.items():
            write_head(result, name, logits, activation)
        return result
