"""Weighted sums along the first axis of a lattice, always in the same order whatever the number of threads."""

from __future__ import annotations

from typing import Any

import numba


@numba.njit(cache=True, nogil=True, error_model="numpy")
def blend(values: Any, out: Any, weights: Any) -> None:
    """Add to each row of `out` (n, m) the rows of `values` (k, m) by `weights` (n, k)."""
    for row in range(out.shape[0]):
        target = out[row]
        for source in range(values.shape[0]):
            weight = weights[row, source]
            if weight != 0:
                line = values[source]
                for i in range(line.shape[0]):
                    target[i] += weight * line[i]
