"""A ground truth of another size than the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Shaped
from torch import Tensor

from fuse_engine.core.errors import FuseError

Resize = Literal["nearest", "max-pool"]


def resized(truth: Tensor, size: Sequence[int], how: Resize) -> Tensor:
    """Return a truth (b, c, *s) at another size, its values and number type kept.

    `nearest` takes the value at the centre of each pixel of the new size. `max-pool` takes the largest value of a
    block, so that small structures of a high class survive: a block holds every pixel that a pixel of the new size
    covers, so that with a ratio that is not whole neighbours share some (torch's adaptive pooling). FuseMedML cuts
    blocks of floor(s / size) pixels from the centre instead: of 511 for 256 it sees the middle half.

    Raises:
        FuseError: when `max-pool` is asked to enlarge.
    """
    if list(truth.shape[2:]) == list(size):
        return truth
    if how == "nearest":
        return F.interpolate(truth.float(), size=list(size), mode="nearest-exact").to(truth.dtype)
    if any(old < new for old, new in zip(truth.shape[2:], size, strict=True)):
        raise FuseError(
            "max-pool only makes a truth smaller", where="resize", expected="resize: nearest",
            got=f"a truth of {tuple(truth.shape[2:])} for a prediction of {tuple(size)}",
        )  # fmt: skip
    return _pooled(truth, size)


def _pooled(truth: Shaped[Tensor, "b c *s"], size: Sequence[int]) -> Shaped[Tensor, "b c *t"]:
    for axis, new in enumerate(size, 2):
        old = truth.shape[axis]
        steps = torch.arange(new, device=truth.device)
        first, last = steps * old // new, ((steps + 1) * old - 1) // new
        block = int((last - first).max()) + 1
        pixels = torch.minimum(first[:, None] + torch.arange(block, device=truth.device), last[:, None])
        truth = truth.index_select(axis, pixels.flatten())
        truth = truth.reshape(*truth.shape[:axis], new, block, *truth.shape[axis + 1 :]).amax(axis + 1)
    return truth
