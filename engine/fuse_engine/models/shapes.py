"""Whether what a sample holds fits what a model asks for, and the keys that models write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.models.base import Activation, Shapes

_AXES = 4
"""Of the inputs with most: (channel, z, y, x)."""


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put `place` in front of the place of every problem raised inside."""
    try:
        yield
    except FuseError as error:
        moved = (replace(item, where=f"{place}.{item.where}".rstrip(".")) for item in error.problems)
        raise type(error)(*moved) from None


def shape_of(shapes: Shapes, key: str, where: str) -> tuple[int, ...]:
    """Return the shape of a key.

    Raises:
        FuseError: for a key that no sample has; it names the nearest one.
    """
    if key not in shapes:
        raise FuseError(
            f"nothing produces '{key}'", where=where, expected=f"one of {', '.join(shapes) or 'no keys at all'}",
            nearest=nearest(key, shapes),
        )  # fmt: skip
    return tuple(shapes[key])


def input_shape(shapes: Shapes, keys: Sequence[str]) -> tuple[int, ...]:
    """Return the shape (channel, [[z,] y,] x) or (n,) of some inputs put together along the channels.

    Raises:
        FuseError: when one has too many axes, or their sizes differ.
    """
    found = [shape_of(shapes, key, f"inputs.{index}") or (1,) for index, key in enumerate(keys)]
    for index, (key, shape) in enumerate(zip(keys, found, strict=True)):
        if len(shape) > _AXES:
            raise FuseError(
                f"'{key}' has {len(shape)} axes", where=f"inputs.{index}",
                expected="(channel, [z,] y, x), a signal (channel, x) or a vector (n,)", got=str(shape),
            )  # fmt: skip
        if shape[1:] != found[0][1:]:
            raise FuseError(
                f"'{key}' and '{keys[0]}' differ in size", where=f"inputs.{index}",
                expected=f"the size {found[0][1:]}", got=str(shape[1:]),
            )  # fmt: skip
    return (sum(shape[0] for shape in found), *found[0][1:])


def image_shape(shapes: Shapes, keys: Sequence[str]) -> tuple[int, ...]:
    """Return the shape (channel, [[z,] y,] x) of some images or signals put together along the channels.

    Raises:
        FuseError: when they are vectors, or their sizes differ.
    """
    shape = input_shape(shapes, keys)
    if len(shape) < 2:
        raise FuseError(
            f"'{keys[0]}' is no image", where="inputs.0", expected="a shape (channel, [z,] y, x)", got=str(shape)
        )
    return shape


def read_inputs(batch: NestedDict, keys: Sequence[str]) -> Tensor:
    """Return the inputs of a batch put together along the channels (batch, channel[, [[z,] y,] x])."""
    found = [_with_channels(batch[key]) for key in keys]
    return found[0] if len(found) == 1 else torch.cat(found, 1)


def _with_channels(value: Tensor) -> Tensor:
    """Return one number a sample as a vector, whole numbers as fractions."""
    value = value if value.ndim > 1 else value[:, None]
    return value if value.is_floating_point() else value.float()


@contextmanager
def sound_format(inputs: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Give the inputs to compute with, all of them in float32 where one is a volume on a CPU."""
    # in bf16 oneDNN's gradient of a 3-D convolution over two slices holds memory that nobody has written
    volume = any(value.ndim == 5 and value.device.type == "cpu" for value in inputs)
    with torch.autocast("cpu", enabled=False) if volume else nullcontext():
        yield [value.float() if volume else value for value in inputs]


def head_keys(head: str) -> tuple[str, str]:
    """Return where a head's logits and output stand."""
    return f"model.logits.{head}", f"model.output.{head}"


def write_head(batch: NestedDict, head: str, logits: Tensor, activation: Activation) -> None:
    """Add logits (batch, width, ...) to a batch, and what the activation makes of them over axis 1."""
    logits_key, output_key = head_keys(head)
    batch[logits_key] = logits
    output = logits.float()
    if activation != "none":
        output = output.softmax(1) if activation == "softmax" else output.sigmoid()
    batch[output_key] = output
