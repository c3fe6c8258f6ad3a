"""Several backbones whose features are joined before the heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from jaxtyping import Float
from pydantic import AfterValidator, Field, field_validator
from torch import Tensor, nn

from fuse_engine.core.component import Located, Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import InputKey
from fuse_engine.core.registry import register
from fuse_engine.models.backbones.fit import build_backbone
from fuse_engine.models.backbones.resnet import ResNet
from fuse_engine.models.base import Backbone, BatchModule, Model, Pyramid, Shapes
from fuse_engine.models.heading import Headed, Heads, NamedHeads, build_heads, heads_outputs, named
from fuse_engine.models.joining import Join, joined, pooled, resized
from fuse_engine.models.shapes import input_shape, located


class Stream(Located):
    """Inputs with a backbone of their own."""

    inputs: list[InputKey] = Field(min_length=1)
    """Images, signals or vectors of one size, put together along the channels, e.g. `data.input.ct`."""
    channels: list[int] = Field(default_factory=list)
    """Channels of the inputs that the stream sees, from 0; all where empty."""
    backbone: Annotated[Backbone, Slot("backbone")] = ResNet()
    """What turns the inputs into features."""

    @field_validator("channels")
    @classmethod
    def _counted(cls, channels: list[int]) -> list[int]:
        if any(channel < 0 for channel in channels):
            raise ValueError("expected numbers from 0 up")
        return channels

    def shape(self, shapes: Shapes) -> tuple[int, ...]:
        """Return the shape of what the stream sees.

        Raises:
            FuseError: at `inputs` or `channels`.
        """
        count, *size = input_shape(shapes, self.inputs)
        if any(channel >= count for channel in self.channels):
            raise FuseError(
                f"the inputs have {count} channels", where="channels", expected=f"numbers from 0 to {count - 1}",
                got=", ".join(map(str, self.channels)),
            )  # fmt: skip
        return (len(self.channels) or count, *size)


@register
class Multistream(Model):
    """Streams, each with inputs and a backbone of its own; their features are joined, then go to the heads."""

    streams: Annotated[dict[str, Stream], AfterValidator(named)] = Field(min_length=1)
    """Streams by name, e.g. `ct`, `pet`; answers of pixels have the size of the first one's inputs."""
    join: Join = "concat"
    """How the features of the streams are joined: put together along the channels, their mean or their largest."""
    pool: bool = False
    """Join the mean of each channel over space, as streams of images, signals and vectors need; else features are
    joined level by level from the coarsest on, at the sizes of the first stream's by linear interpolation."""
    heads: NamedHeads
    """What answers the questions; `classifier` writes `model.logits.classifier` and `model.output.classifier`."""

    def reads(self) -> tuple[str, ...]:
        """Return the keys of all streams' inputs."""
        return tuple(dict.fromkeys(key for stream in self.streams.values() for key in stream.inputs))

    def outputs(self) -> tuple[str, ...]:
        """Return the key of the joined features, and those of every head."""
        return heads_outputs(self.heads)

    def build(self, shapes: Shapes) -> BatchModule:
        """Return the module for samples of these shapes, with random weights.

        Raises:
            FuseError: `where` names the field, relative to this component.
        """
        seen: list[tuple[int, ...]] = []
        backbones: list[Pyramid] = []
        for name, stream in self.streams.items():
            with located(f"streams.{name}"):
                seen.append(stream.shape(shapes))
                with located(f"backbone.{stream.backbone.name()}"):
                    backbones.append(build_backbone(stream.backbone, seen[-1]))
        dims = [len(shape) - 1 for shape in seen]
        self._refuse_mixed(dims)
        levels = self._levels(backbones)
        inputs = next(iter(self.streams.values())).inputs
        heads = build_heads(self.heads, levels, 0 if self.pool else dims[0], shapes, inputs)
        return _Multistream(self.streams, backbones, self.join, self.pool, heads, _spatial(dims))

    def _refuse_mixed(self, dims: list[int]) -> None:
        if self.pool or len(set(dims)) == 1:
            return
        told = ", ".join(f"{name} {count}" for name, count in zip(self.streams, dims, strict=True))
        raise FuseError(
            "the streams differ in their numbers of spatial axes", where="pool", expected="true", got=told
        )

    def _levels(self, backbones: list[Pyramid]) -> list[int]:
        """Return the channels of the joined levels, fine to coarse."""
        depth = 1 if self.pool else min(len(backbone.channels) for backbone in backbones)
        found: list[int] = []
        for counts in zip(*(backbone.channels[-depth:] for backbone in backbones), strict=True):
            if self.join != "concat" and len(set(counts)) > 1:
                told = ", ".join(f"{name} {count}" for name, count in zip(self.streams, counts, strict=True))
                raise FuseError(
                    "the streams' features differ in channels", where="join",
                    expected="concat, or backbones with the same channels", got=told,
                )  # fmt: skip
            found.append(sum(counts) if self.join == "concat" else counts[0])
        return found


def _spatial(dims: Sequence[int]) -> int:
    """Return the position of the first stream whose features have places in an image, the first without any."""
    return next((index for index, count in enumerate(dims) if count >= 2), 0)


class _Multistream(Headed):
    def __init__(
        self, streams: dict[str, Stream], backbones: list[Pyramid], join: Join, pool: bool, heads: Heads,
        shown: int,
    ) -> None:  # fmt: skip
        super().__init__([stream.inputs for stream in streams.values()], heads)
        # by position, as heads are
        self.backbones, self.join, self.pool = nn.ModuleList(backbones), join, pool
        self.names, self.channels = tuple(streams), [list(stream.channels) for stream in streams.values()]
        self.joined = nn.Identity()
        self.last_features = f"backbones.{shown}.{backbones[shown].last_features}" if pool else "joined"

    @property
    def parts(self) -> dict[str, nn.Module]:
        """What can be frozen, by name."""
        streams = zip(self.names, self.backbones, strict=True)
        return {**{f"streams.{name}": backbone for name, backbone in streams}, **self.heads.parts}

    def features(self, inputs: list[Float[Tensor, "b _ *_s"]]) -> list[Float[Tensor, "b _ *_t"]]:
        seen = [image[:, wanted] if wanted else image for image, wanted in zip(inputs, self.channels, strict=True)]
        every = [backbone(image) for backbone, image in zip(self.backbones, seen, strict=True)]
        if self.pool:
            every = [[pooled(features[-1])] for features in every]
        depth = min(map(len, every))
        found = [self._level(list(level)) for level in zip(*(each[-depth:] for each in every), strict=True)]
        return [*found[:-1], self.joined(found[-1])]

    def _level(self, level: list[Float[Tensor, "b _ *_s"]]) -> Float[Tensor, "b k *s"]:
        return joined([resized(image, level[0].shape[2:]) for image in level], self.join)
