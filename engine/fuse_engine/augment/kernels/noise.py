"""Noise by place: a voxel's number depends on the seed and on where it lies, so that any part can be had alone."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

F = np.float32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bits(out: Any, place: Any, low: Any, high: Any) -> None:
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
def _mantissa(bits: Any, powers: Any) -> None:
    """Take the power of two off positive numbers, given by their bits: what is left is from 1/2 to below 1."""
    for i in range(bits.shape[0]):
        powers[i] = F((bits[i] >> np.int32(23)) - np.int32(126))
    for i in range(bits.shape[0]):
        bits[i] = (bits[i] & np.int32(0x7FFFFF)) | np.int32(0x3F000000)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _logarithm(values: Any, powers: Any) -> None:
    """Put the natural logarithm of value * 2 ** power in the place of every value, as Cephes' `logf`."""
    for i in range(values.shape[0]):
        share = values[i]
        small = share < F(0.70710678)
        power = powers[i] - (F(1) if small else F(0))
        share = share + (share if small else F(0)) - F(1)
        log = F(7.0376836292e-2)
        log = log * share + F(-1.1514610310e-1)
        log = log * share + F(1.1676998740e-1)
        log = log * share + F(-1.2420140846e-1)
        log = log * share + F(1.4249322787e-1)
        log = log * share + F(-1.6668057665e-1)
        log = log * share + F(2.0000714765e-1)
        log = log * share + F(-2.4999993993e-1)
        log = log * share + F(3.3333331174e-1)
        square = share * share
        values[i] = log * share * square - F(0.5) * square + share + power * F(0.69314718)


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
def normal(out: Any, start: Any, shape: Any, seed: Any) -> None:
    """Fill `out` (channel, z, y, x) with normal numbers: the part that begins at `start` of noise of `shape`."""
    count = out.shape[3]
    bits, rest, powers = np.empty(count, np.uint32), np.empty(count, np.float32), np.empty(count, np.float32)
    rest_bits = rest.view(np.int32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    for channel in range(out.shape[0]):
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                row = (start[0] + channel) * shape[0] + start[1] + z
                place = (row * shape[1] + start[2] + y) * shape[2] + start[3]
                _bits(bits, place, low, high)
                _split(bits, out[channel, z, y], rest)
                _mantissa(rest_bits, powers)
                _logarithm(rest, powers)
                _inverse_error(out[channel, z, y], rest)
