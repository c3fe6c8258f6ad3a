"""Counted events by place, such as photons: a voxel's count depends on its rate, the seed and where it lies."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fuse_engine.augment.kernels.noise import bits_of, even_row, normal_row, place_of

F = np.float32
_FEW = F(10)
"""Rate up to which events are counted one by one."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _count(rate: Any, even: Any) -> Any:
    """Return the smallest count that is not exceeded with the chance `even`."""
    count, chance = F(0), np.exp(-rate)
    below = chance
    while below < even and count < F(100):
        count += F(1)
        chance *= rate / count
        below += chance
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def poisson(rates: Any, out: Any, start: Any, shape: Any, seed: Any) -> None:
    """Fill `out` with counts of events whose mean is `rates` (channel, z, y, x), from 0 up; see `noise.normal`.

    Above a rate of 10 from normal numbers: M. Giles, Algorithm 955, ACM TOMS 42 (2016), its asymptotic expansion.
    """
    count = out.shape[3]
    bits, even, rest = np.empty(count, np.uint32), np.empty(count, np.float32), np.empty(count, np.float32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    for channel in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                target, rate = out[channel, z, y], rates[channel, z, y]
                bits_of(bits, place_of(channel, z, y, start, shape), low, high)
                normal_row(bits, target, rest, even)
                for x in range(count):
                    w, root = target[x], np.sqrt(max(rate[x], _FEW))
                    square = w * w
                    ahead = root * w + F(1 / 3) + square * F(1 / 6) - w * (F(1 / 36) + square * F(1 / 72)) / root
                    target[x] = np.floor(rate[x] + ahead)
                even_row(bits, even)
                for x in range(count):
                    if rate[x] < _FEW:
                        target[x] = _count(rate[x], even[x])
