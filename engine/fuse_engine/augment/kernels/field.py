"""Smooth fields that images are multiplied by; compiled once and kept."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fuse_engine.augment.kernels.exponents import exponential

F = np.float32


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
