"""Logarithm and exponential of rows of numbers, written so that the processor takes many at once."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

F = np.float32


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
