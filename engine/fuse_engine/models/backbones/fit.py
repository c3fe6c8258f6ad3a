"""Whether a backbone works for an image, asked before it is built and whenever it is used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError
from fuse_engine.models.base import Backbone, Network, Pyramid

_KINDS = ("vectors", "signals of 1 axis", "images of 2 axes", "images of 3 axes")


def build_backbone(backbone: Backbone, shape: Sequence[int]) -> Pyramid:
    """Return the module of a backbone for images of this shape (channel, [[z,] y,] x), or vectors (n,).

    Raises:
        FuseError: when the backbone does not work for that many axes, or so small an image; `where` is empty or a
            field of the backbone.
    """
    channels, *size = shape
    check_dims(backbone, len(size))
    _check_size(backbone.name(), backbone.smallest, size)
    pyramid = backbone.build(channels, len(size))
    if backbone.smallest > 1:
        # images come in other sizes than the one it was built for
        pyramid.register_forward_pre_hook(partial(_before, backbone.name(), backbone.smallest))
    return pyramid


def check_dims(part: Backbone | Network, dims: int) -> None:
    """Refuse a number of spatial axes that a backbone or network does not work for.

    Raises:
        FuseError: naming those that fit.
    """
    if dims in part.dims:
        return
    every = registry.every(part.kind).items()
    fitting = [name for name, cls in every if issubclass(cls, Backbone | Network) and dims in cls.dims]
    raise FuseError(
        f"{part.name()} works for {' and '.join(_KINDS[count] for count in part.dims)}",
        expected=f"one of {', '.join(fitting)}" if fitting else "images of 1 to 3 axes, or vectors",
        got=_KINDS[dims] if dims < len(_KINDS) else f"images of {dims} axes",
    )


def _check_size(name: str, smallest: int, size: Sequence[int]) -> None:
    if size and min(size) < smallest:
        raise FuseError(
            f"the image is too small for {name}",
            expected=f"at least {smallest} pixels along every axis, by Resize or Pad, or another backbone",
            got=" x ".join(map(str, size)),
        )


def _before(name: str, smallest: int, module: nn.Module, arguments: tuple[Any, ...]) -> None:
    image: Tensor = arguments[0]
    _check_size(name, smallest, image.shape[2:])
