"""Noise by place: a voxel's number depends on the seed and on where it lies, so that any part can be had alone."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fuse_engine.augment.kernels.exponents import logarithm, mantissa

F = np.float32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bits_of(out: Any, place: Any, low: Any, high: Any) -> None:
    """Fill a row with 32 evenly distributed bits each, of places that follow each other."""
    for i in range(out.shape[0]):
        bits = np.uint32(place + i) ^ low
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
        bits = (bits ^ (bits >> np.uint32(16))) + high
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x21F0AAAD)
        bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x735A2D97)
        out[i] = bits ^ (bits >> np.uint32(15))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _split(bits: Any, out: Any, rest: Any) -> None:
    """Write even numbers between -1 and 1, and 1 less their squares, which are above 0."""
    for i in range(out.shape[0]):
        even = (F(np.int32(bits[i])) + F(0.5)) * F(2.0**-31)
        even = min(max(even, F(-0.99999994)), F(0.99999994))
        out[i] = even
        rest[i] = (F(1) - even) * (F(1) + even)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _inverse_error(out: Any, logs: Any) -> None:
    """Turn even numbers into normal ones: sqrt(2) erfinv of M. Giles (GPU Computing Gems 2, 2012, chapter 10)."""
    for i in range(out.shape[0]):
        w = -logs[i]
        a, b = w - F(2.5), np.sqrt(w) - F(3)
        near = F(2.81022636e-08)
        near = near * a + F(3.43273939e-07)
        near = near * a + F(-3.5233877e-06)
        near = near * a + F(-4.39150654e-06)
        near = near * a + F(0.00021858087)
        near = near * a + F(-0.00125372503)
        near = near * a + F(-0.00417768164)
        near = near * a + F(0.246640727)
        near = near * a + F(1.50140941)
        far = F(-0.000200214257)
        far = far * b + F(0.000100950558)
        far = far * b + F(0.00134934322)
        far = far * b + F(-0.00367342844)
        far = far * b + F(0.00573950773)
        far = far * b + F(-0.0076224613)
        far = far * b + F(0.00943887047)
        far = far * b + F(1.00167406)
        far = far * b + F(2.83297682)
        out[i] *= F(1.41421356) * (near if w < F(5) else far)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def normal_row(bits: Any, out: Any, rest: Any, powers: Any) -> None:
    """Turn a row of even bits into normal numbers; `rest` and `powers` are room for as many numbers."""
    _split(bits, out, rest)
    mantissa(rest.view(np.int32), powers)
    logarithm(rest, powers)
    _inverse_error(out, rest)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def place_of(channel: Any, z: Any, y: Any, start: Any, shape: Any) -> Any:
    """Return the place, counted through noise of `shape`, of the first number of a row of a part of it."""
    row = (start[0] + channel) * shape[0] + start[1] + z
    return (row * shape[1] + start[2] + y) * shape[2] + start[3]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def normal(out: Any, start: Any, shape: Any, seed: Any) -> None:
    """Fill `out` (channel, z, y, x) with normal numbers: the part that begins at `start` of noise of `shape`."""
    count = out.shape[3]
    bits, rest, powers = np.empty(count, np.uint32), np.empty(count, np.float32), np.empty(count, np.float32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    for channel in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                bits_of(bits, place_of(channel, z, y, start, shape), low, high)
                normal_row(bits, out[channel, z, y], rest, powers)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def even_row(bits: Any, out: Any) -> None:
    """Turn a row of even bits into even numbers above 0 and below 1."""
    for i in range(out.shape[0]):
        out[i] = (F(np.int32(bits[i] >> np.uint32(9))) + F(0.5)) * F(2.0**-23)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def even(out: Any, start: Any, shape: Any, seed: Any) -> None:
    """Fill `out` with even numbers above 0 and below 1; see `normal`."""
    bits = np.empty(out.shape[3], np.uint32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    for channel in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                bits_of(bits, place_of(channel, z, y, start, shape), low, high)
                even_row(bits, out[channel, z, y])
