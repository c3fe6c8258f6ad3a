"""Puts what was predicted for patches together to the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fuse_engine.data.patches.base import Blend, Box


class Reassembly:
    """Collects patches (channel, [z,] y, x) of one image; where several overlap they are blended.

    `gaussian` trusts the middle of a patch most (nnU-Net), `mean` every pixel alike, `crop` takes each pixel from
    the patch in which it lies farthest from the edge, so what went in comes out to the bit.
    """

    def __init__(self, shape: Sequence[int], blend: Blend = "gaussian") -> None:
        """Take the size of the image ([z,] y, x)."""
        self._shape, self._blend = tuple(shape), blend
        self._sum: Tensor | None = None
        self._weight: Tensor | None = None
        self._masks: dict[tuple[int, ...], Tensor] = {}

    def add(self, patch: Tensor, box: Box) -> None:
        """Take in a patch; what lies beyond the image is left out."""
        if self._sum is None or self._weight is None:
            self._sum = patch.new_zeros((patch.shape[0], *self._shape))
            self._weight = patch.new_zeros(self._shape)
        inside, part = _overlap(box, self._shape)
        mask = self._mask(box.size, patch)[part]
        here, where = (slice(None), *inside), (slice(None), *part)
        if self._blend == "crop":
            nearer = mask > self._weight[inside]
            self._sum[here] = torch.where(nearer, patch[where], self._sum[here])
            self._weight[inside] = torch.maximum(mask, self._weight[inside])
        else:
            self._sum[here] += patch[where] * mask
            self._weight[inside] += mask

    def result(self) -> Tensor:
        """Return the image (channel, [z,] y, x).

        Raises:
            ValueError: when a part of it was never covered.
        """
        if self._sum is None or self._weight is None or not bool((self._weight > 0).all()):
            raise ValueError("the patches do not cover the image")
        return self._sum if self._blend == "crop" else self._sum / self._weight

    def _mask(self, size: tuple[int, ...], like: Tensor) -> Tensor:
        """Return the weight of each pixel of a patch, the product of one curve along each axis."""
        if size not in self._masks:
            found = torch.ones(size, dtype=like.dtype, device=like.device)
            for axis, length in enumerate(size if self._blend != "mean" else ()):
                view = [1] * len(size)
                view[axis] = length
                found = found * self._curve(length).to(found).reshape(view)
            self._masks[size] = found
        return self._masks[size]

    def _curve(self, length: int) -> Tensor:
        place = torch.arange(length, dtype=torch.float64)
        if self._blend == "crop":  # distance to the nearer edge
            return torch.minimum(place, length - 1 - place) + 1
        # nnU-Net's width, an eighth of the patch
        return torch.exp(-0.5 * ((place - (length - 1) / 2) / (length / 8)) ** 2)


def _overlap(box: Box, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a box lies in the image, and the part of the box that does."""
    inside, part = [], []
    for start, size, length in zip(box.start, box.size, shape, strict=True):
        first, last = max(start, 0), min(start + size, length)
        inside.append(slice(first, last))
        part.append(slice(first - start, last - start))
    return tuple(inside), tuple(part)
