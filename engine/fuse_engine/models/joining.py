"""How the features of several streams or views become those of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Join = Literal["concat", "mean", "max"]
"""How features are joined: put together along the channels, or their mean or largest value."""
Comparison = Literal["concat", "difference", "absolute difference"]
"""How views are compared: put together along the channels, or each with the first taken away."""

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def joined(features: Sequence[Float[Tensor, "b _ *s"]], how: Join) -> Float[Tensor, "b k *s"]:
    """Return features of one size as one; mean and max take the same channels of all."""
    if how == "concat":
        return torch.cat(list(features), 1)
    stack = torch.stack(list(features))
    return stack.mean(0) if how == "mean" else stack.amax(0)


def compared(views: Sequence[Float[Tensor, "b c *s"]], how: Comparison) -> Float[Tensor, "b k *s"]:
    """Return all views along the channels, or what each later one has more than the first."""
    if how == "concat":
        return torch.cat(list(views), 1)
    differences = torch.cat([view - views[0] for view in views[1:]], 1)
    return differences.abs() if how == "absolute difference" else differences


def resized(image: Float[Tensor, "b c *_s"], size: Sequence[int]) -> Float[Tensor, "b c *_t"]:
    """Return a map at another size, by linear interpolation."""
    if list(image.shape[2:]) == list(size):
        return image
    return F.interpolate(image, size=list(size), mode=_LINEAR[image.ndim - 2], align_corners=False)


def pooled(image: Float[Tensor, "b c *_s"]) -> Float[Tensor, "b c"]:
    """Return the mean of every channel over space; vectors as they are."""
    return image.flatten(2).mean(2) if image.ndim > 2 else image
