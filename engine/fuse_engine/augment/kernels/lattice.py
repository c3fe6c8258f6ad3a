"""Weighted sums along the first axis of a lattice, always in the same order whatever the number of threads."""

from __future__ import annotations

from typing import Any

import numba

NEAR = 1024
"""Numbers of a row that are taken at a time, so that they stay in the processor's cache."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def blend(values: Any, out: Any, weights: Any) -> None:
    """Add to each row of `out` (n, m) the rows of `values` (k, m) by `weights` (n, k)."""
    for first in range(0, out.shape[1], NEAR):
        for row in range(out.shape[0]):
            target = out[row, first : first + NEAR]
            for source in range(values.shape[0]):
                weight = weights[row, source]
                if weight != 0:
                    line = values[source, first : first + NEAR]
                    for i in range(line.shape[0]):
                        target[i] += weight * line[i]
