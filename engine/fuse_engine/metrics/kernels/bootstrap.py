"""Draws resamples as counts: how often each sample was drawn, with replacement, within its stratum."""

# no_type_check: the tests check the shapes in signatures, and what does that cannot be compiled

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _mixed(state: Any) -> Any:
    """Return the random bits of a state (SplitMix64, Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def draw(seed: Any, first: Any, members: Any, starts: Any, counts: Any) -> None:
    """Write how often each sample (n) was drawn in the resamples (b) numbered from `first` on.

    The samples of stratum i are `members[starts[i] : starts[i + 1]]`. A resample depends on seed and number alone.
    """
    counts[:] = 0
    for row in range(counts.shape[0]):
        # both by their own bits, so that neighbouring seeds and numbers share no stream
        state = _mixed(_mixed(np.uint64(seed) + _STEP) + np.uint64(first + row))
        line = counts[row]
        for stratum in range(len(starts) - 1):
            inside = members[starts[stratum] : starts[stratum + 1]]
            size = np.uint64(len(inside))
            if size == 0:
                continue
            # Lemire 2019: the few products below the remainder are drawn again, so that all samples are alike
            remainder = (np.uint64(1) << _HALF) % size
            drawn = 0
            while drawn < len(inside):
                state += _STEP
                bits = _mixed(state)
                for product in ((bits & _LOW) * size, (bits >> _HALF) * size):
                    if (product & _LOW) >= remainder and drawn < len(inside):
                        line[inside[np.int64(product >> _HALF)]] += 1
                        drawn += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def tally(counts: Any, cells: Any, table: Any) -> None:
    """Add up the counts (b, n) of the samples in each cell: `cells` (n), `table` (b, c)."""
    table[:] = 0
    for row in range(counts.shape[0]):
        line, found = counts[row], table[row]
        for index in range(len(cells)):
            found[cells[index]] += line[index]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def gather(counts: Any, cells: Any, values: Any, sums: Any) -> None:
    """Add the values (n) of the samples, counted (b, n) times, to their cells: `cells` (n), `sums` (b, c)."""
    for row in range(counts.shape[0]):
        line, found = counts[row], sums[row]
        for index in range(len(cells)):
            found[cells[index]] += line[index] * values[index]
