"""Backbones as the way down of a network: how coarse their levels are, and how coarse they may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import log2
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fuse_engine.core.errors import FuseError
from fuse_engine.models.base import Backbone, Pyramid
from fuse_engine.models.shapes import located

_PROBE = 256
_STEPPING = (nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d)


@dataclass(frozen=True)
class Encoder:
    """A backbone that is built, and how many pixels apart the features of each level are, fine to coarse."""

    backbone: Pyramid
    strides: list[list[int]]

    @property
    def channels(self) -> list[int]:
        """Return the channels of each level."""
        return self.backbone.channels


def encoder(backbone: Backbone, channels: int, dims: int, output_stride: int | None = None) -> Encoder:
    """Build a backbone for images, with features at most `output_stride` pixels apart where that is given.

    Raises:
        FuseError: at `backbone` when it is not for such images, at `output_stride` when it stays coarser.
    """
    place = f"backbone.{backbone.name()}"
    if dims not in backbone.dims:
        raise FuseError(
            f"{backbone.name()} does not work for {dims}-D images", where=place,
            expected=f"one for {dims}-D", got=f"one for {' and '.join(f'{count}-D' for count in backbone.dims)}",
        )  # fmt: skip
    with located(place):
        built = backbone.build(channels, dims)
    strides = _strides_of(_features(built, channels, dims))
    if output_stride is not None and max(map(max, strides)) > output_stride:
        natural = max(map(max, strides))
        strides = _dilated(built, channels, dims, output_stride)
        if max(map(max, strides)) > output_stride:
            raise FuseError(
                f"the features of {backbone.name()} cannot be kept {output_stride} pixels apart",
                where="output_stride", expected=f"{natural}, or a backbone that can, such as ResNet",
            )  # fmt: skip
    return Encoder(built, strides)


def _strides_of(features: list[Tensor]) -> list[list[int]]:
    """Return how many pixels apart the features of each level are, a power of two along each axis."""
    return [[_apart(count) for count in level.shape[2:]] for level in features]


def _apart(count: int) -> int:
    return int(2 ** round(log2(_PROBE / count)))


def _features(backbone: Pyramid, channels: int, dims: int) -> list[Tensor]:
    """Return what a backbone makes of an image, without numbers: nothing is computed, no weight is touched."""
    state = {**dict(backbone.named_parameters()), **dict(backbone.named_buffers())}
    bare = {name: torch.empty_like(value, device="meta") for name, value in state.items()}
    training = backbone.training
    try:
        image = torch.empty(1, channels, *[_PROBE] * dims, device="meta")
        features: list[Tensor] = functional_call(backbone.eval(), bare, (image,))
    finally:
        backbone.train(training)
    return features


def _dilated(backbone: Pyramid, channels: int, dims: int, output_stride: int) -> list[list[int]]:
    """Take the steps out that lead beyond `output_stride`, and dilate the kernels behind them as much (Chen 2017).

    The weights stay as they are. Returns how many pixels apart the features are now, as before where it fails.
    """
    met: dict[nn.Module, tuple[list[int], list[int]]] = {}
    steps = [module for module in backbone.modules() if isinstance(module, _STEPPING)]
    handles = [module.register_forward_hook(partial(_note, met)) for module in steps]
    try:
        before = _features(backbone, channels, dims)
    finally:
        for handle in handles:
            handle.remove()
    for module, (given, made) in met.items():
        _spread(module, [step / output_stride for step in given], [step / output_stride for step in made])
    strides = _strides_of(before)
    try:
        after = _features(backbone, channels, dims)
    except RuntimeError:  # sizes that were added up differ: this backbone steps in a way of its own
        return strides
    # a kernel of even size leaves a cell fewer, and everything would lie a little aside
    sizes = {tuple(stride): level.shape[2:] for stride, level in zip(strides, before, strict=True)}
    for stride, level in zip(_strides_of(after), after, strict=True):
        if level.shape[2:] != sizes.get(tuple(stride), tuple(_PROBE // step for step in stride)):
            return strides
    return _strides_of(after)


def _note(met: dict[nn.Module, tuple[list[int], list[int]]], module: nn.Module, given: Any, made: Tensor) -> None:
    sizes = given[0].shape[2:], made.shape[2:]
    met.setdefault(module, tuple([_apart(count) for count in size] for size in sizes))  # type: ignore[arg-type]


def _spread(module: Any, given: list[float], made: list[float]) -> None:
    """Set stride and dilation of a layer between features so many times too far apart."""
    rates = [max(1, round(rate)) for rate in given]
    stride, kernel = _each(module.stride, len(rates)), _each(module.kernel_size, len(rates))
    kept = [
        max(1, round(1 / before)) if after > 1 else step
        for step, before, after in zip(stride, given, made, strict=True)
    ]
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        module.stride = tuple(kept)
        module.dilation = tuple(own * rate for own, rate in zip(module.dilation, rates, strict=True))
        if not isinstance(module.padding, str):
            module.padding = tuple(own * rate for own, rate in zip(module.padding, rates, strict=True))
    elif kept != stride:
        # a pool of whole cells disappears, one that overlaps looks around as before
        module.kernel_size = tuple(
            1 if old == size and new == 1 else size for old, new, size in zip(stride, kept, kernel, strict=True)
        )
        module.stride = tuple(kept)


def _each(value: Any, dims: int) -> list[int]:
    return [value] * dims if isinstance(value, int) else list(value)
