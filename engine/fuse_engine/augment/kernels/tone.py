"""Curves over an image's range of values, one pass."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fuse_engine.augment.kernels.exponents import exponential, logarithm, mantissa

F = np.float32
_ROW = 1024


@numba.njit(cache=True, nogil=True, error_model="numpy")
def power(image: Any, out: Any, low: Any, width: Any, exponent: Any) -> None:
    """Write the powers of values (n,) as shares of the range from `low` to `low + width`."""
    share, powers = np.empty(_ROW, np.float32), np.empty(_ROW, np.float32)
    bits = share.view(np.int32)
    room = powers.view(np.int32)
    for first in range(0, image.shape[0], _ROW):
        some, target = image[first : first + _ROW], out[first : first + _ROW]
        for i in range(some.shape[0]):
            share[i] = min(max((some[i] - low) / width, F(0)), F(1))
            target[i] = share[i]
        mantissa(bits, powers)
        logarithm(share, powers)
        for i in range(some.shape[0]):
            share[i] *= exponent
        exponential(share, room)
        for i in range(some.shape[0]):
            bent = share[i] if target[i] > F(0) else F(0)
            target[i] = min(bent, F(1)) * width + low


@numba.njit(cache=True, nogil=True, error_model="numpy")
def curve(image: Any, out: Any, low: Any, width: Any, heights: Any) -> None:
    """Write what straight lines between `heights`, evenly spaced over the range, make of values (n,).

    `heights` are shares of the range from `low` to `low + width`, from 0 to 1.
    """
    last = heights.shape[0] - 1
    for i in range(image.shape[0]):
        place = min(max((image[i] - low) / width, F(0)), F(1)) * F(last)
        left = min(np.int32(place), np.int32(last - 1))
        height = heights[left] + (heights[left + 1] - heights[left]) * (place - F(left))
        out[i] = height * width + low
