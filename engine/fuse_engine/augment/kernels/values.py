"""Values of single pixels, a row at a time: powers and curves, smooth fields, noise and counts by place.

Noise by place depends on the seed and on where a voxel lies, so that any part of it can be had alone.
"""

# all in one file: numba's cache on disk looks no further than the file of what is called

from __future__ import annotations

from typing import Any

import numba
import numpy as np

F = np.float32
_ROW = 1024
"""Numbers that are worked on at a time, so that they stay in the processor's cache."""
_FEW = F(10)
"""Rate up to which chances are added up; above, counts come from normal numbers."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mantissa(bits: Any, powers: Any) -> None:
    """Take the power of two off positive numbers, given by their bits: what is left is from 1/2 to below 1."""
    for i in range(bits.shape[0]):
        powers[i] = F((bits[i] >> np.int32(23)) - np.int32(126))
    for i in range(bits.shape[0]):
        bits[i] = (bits[i] & np.int32(0x7FFFFF)) | np.int32(0x3F000000)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def logarithm(values: Any, powers: Any) -> None:
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
def exponential(values: Any, bits: Any) -> None:
    """Put e ** value in the place of values up to 88, as Cephes' `expf`; `bits` is room for whole numbers."""
    for i in range(values.shape[0]):
        value = max(values[i], F(-87))
        power = np.floor(value * F(1.44269504) + F(0.5))
        rest = value - power * F(0.693359375) + power * F(2.12194440e-4)
        exp = F(1.9875691500e-4)
        exp = exp * rest + F(1.3981999507e-3)
        exp = exp * rest + F(8.3334519073e-3)
        exp = exp * rest + F(4.1665795894e-2)
        exp = exp * rest + F(1.6666665459e-1)
        exp = exp * rest + F(5.0000001201e-1)
        values[i] = exp * rest * rest + rest + F(1)
        bits[i] = (np.int32(power) + np.int32(127)) << np.int32(23)
    powers = bits.view(np.float32)
    for i in range(values.shape[0]):
        values[i] *= powers[i]


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
        # what is not a number must not lead anywhere
        left = max(min(np.int32(place), np.int32(last - 1)), np.int32(0))
        height = heights[left] + (heights[left + 1] - heights[left]) * (place - F(left))
        out[i] = height * width + low


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _polynomial(out: Any, coefficients: Any, x: Any) -> None:
    """Fill a row with the values at `x` of a polynomial with these coefficients, the constant one first."""
    last = coefficients.shape[0] - 1
    for i in range(out.shape[0]):
        out[i] = coefficients[last]
    for power in range(last - 1, -1, -1):
        for i in range(out.shape[0]):
            out[i] = out[i] * x[i] + coefficients[power]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def times_exponential(image: Any, out: Any, rows: Any, x: Any) -> None:
    """Multiply every row of `image` (channel, row, x) by e to the polynomial of that row.

    `rows` holds the coefficients of each row, (row, power); no value of a polynomial may be above 88.
    """
    field, bits = np.empty(x.shape[0], np.float32), np.empty(x.shape[0], np.int32)
    for row in range(image.shape[1]):
        _polynomial(field, rows[row], x)
        exponential(field, bits)
        for channel in range(image.shape[0]):
            for i in range(x.shape[0]):
                out[channel, row, i] = image[channel, row, i] * field[i]


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
    """Fill `out` with counts of events whose mean is `rates` (channel, z, y, x), from 0 up; see `normal`."""
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
