"""Counted events by place, such as photons: a voxel's count depends on its rate, the seed and where it lies."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fuse_engine.augment.kernels.exponents import exponential
from fuse_engine.augment.kernels.noise import bits_of, even_row, normal_row, place_of

F = np.float32
_FEW = F(10)
"""Rate up to which chances are added up; above, counts come from normal numbers."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _many(rates: Any, out: Any) -> None:
    """Turn normal numbers into counts: M. Giles, Algorithm 955, ACM TOMS 42 (2016), its asymptotic expansion."""
    for x in range(out.shape[0]):
        w, rate = out[x], max(rates[x], _FEW)
        root, square = np.sqrt(rate), w * w
        ahead = root * w + F(1 / 3) + square * F(1 / 6) - w * (F(1 / 36) + square * F(1 / 72)) / root
        out[x] = max(np.floor(rate + ahead), F(0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _few(rates: Any, even: Any, out: Any, room: Any) -> None:
    """Write the smallest counts that are not exceeded with the chance `even`, where the rate is small.

    `room` is (4, n) numbers; `even` is overwritten.
    """
    rate, chance, below, counts = room[0], room[1], room[2], room[3]
    some, top = 0, F(0)
    for x in range(out.shape[0]):
        small = rates[x] < _FEW
        rate[some], even[some] = rates[x], even[x]
        top = max(top, rates[x] if small else F(0))
        some += 1 if small else 0
    if some == 0:
        return
    for i in range(some):
        chance[i], counts[i] = -rate[i], F(0)
    exponential(chance[:some], below.view(np.int32))
    for i in range(some):
        below[i] = chance[i]
    for count in range(1, int(top + 6 * np.sqrt(top) + 6)):
        share = F(1) / F(count)
        for i in range(some):
            counts[i] += F(1) if below[i] < even[i] else F(0)
            chance[i] *= rate[i] * share
            below[i] += chance[i]
    some = 0
    for x in range(out.shape[0]):
        small = rates[x] < _FEW
        out[x] = counts[some] if small else out[x]
        some += 1 if small else 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def poisson(rates: Any, out: Any, start: Any, shape: Any, seed: Any) -> None:
    """Fill `out` with counts of events whose mean is `rates` (channel, z, y, x), from 0 up; see `noise.normal`."""
    count = out.shape[3]
    bits, even = np.empty(count, np.uint32), np.empty(count, np.float32)
    room = np.empty((4, count), np.float32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    for channel in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                target, rate = out[channel, z, y], rates[channel, z, y]
                bits_of(bits, place_of(channel, z, y, start, shape), low, high)
                normal_row(bits, target, room[0], room[1])
                _many(rate, target)
                even_row(bits, even)
                _few(rate, even, target, room)
