"""A whole network as the model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Slot
from fuse_engine.core.keys import ImageKey
from fuse_engine.core.registry import register
from fuse_engine.models.base import FEATURES, BatchModule, Model, Network, NetworkModule, Shapes
from fuse_engine.models.networks.unet import UNet
from fuse_engine.models.shapes import head_keys, image_shape, located, read_images, sound_format, write_head


@register
class Wrap(Model):
    """A whole network from image to label map, e.g. a U-Net."""

    inputs: list[ImageKey] = Field(min_length=1)
    """Images of one size, put together along the channels, e.g. `data.input.image`."""
    network: Annotated[Network, Slot("network")] = UNet()
    """What turns the image into one class a pixel."""
    classes: int = Field(2, ge=2)
    """Number of classes."""
    output: str = Field("segmentation", pattern=r"^[A-Za-z_]\w*$")
    """Name of the answer; `segmentation` is read as `model.logits.segmentation`, `model.output.segmentation`."""

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
            network = self.network.build(channels, self.classes, len(size))
        return _Wrap(tuple(self.inputs), network, self.output)


class _Wrap(BatchModule):
    def __init__(self, inputs: tuple[str, ...], network: NetworkModule, output: str) -> None:
        super().__init__()
        self.inputs, self.network, self.output = inputs, network, output
        self.last_features = f"network.{network.last_features}"

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        return {"network": self.network}

    def forward(self, batch: NestedDict) -> NestedDict:
        found: list[Tensor] = []
        coarsest = self.get_submodule(self.last_features)
        handle = coarsest.register_forward_hook(lambda module, inputs, output: found.append(output))
        try:
            with sound_format(read_images(batch, self.inputs)) as image:
                logits = self.network(image)
        finally:
            handle.remove()
        result = batch.copy()
        result[FEATURES] = found[-1]
        write_head(result, self.output, logits, "softmax")
        return result
