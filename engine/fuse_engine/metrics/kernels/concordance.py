"""Pairs of samples in the right order."""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _below(tree: Any, place: Any) -> Any:
    """Return how many counted places are smaller than `place` (Fenwick 1994)."""
    total = 0
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _count(tree: Any, place: Any) -> None:
    place += 1
    while place < tree.shape[0]:
        tree[place] += 1
        place += place & -place


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def concordant(times: Any, events: Any, places: Any) -> Any:
    """Return how many comparable pairs there are, in how many the risks are in order, and in how many tied.

    `times` (n,) fall, `events` (n,) say which of them ended with the event, `places` (n,) are the ranks of the
    risks from 0 on, equal for ties. A sample with the event is compared with all that lived longer, and with those
    that left at the same time without the event.
    """
    tree = np.zeros(times.shape[0] + 1, np.int64)
    pairs = right = tied = counted = start = 0
    while start < times.shape[0]:
        end = start
        while end < times.shape[0] and times[end] == times[start]:
            if not events[end]:
                _count(tree, places[end])
                counted += 1
            end += 1
        for index in range(start, end):
            if events[index]:
                below = _below(tree, places[index])
                pairs += counted
                right += below
                tied += _below(tree, places[index] + 1) - below
        for index in range(start, end):
            if events[index]:
                _count(tree, places[index])
                counted += 1
        start = end
    return pairs, right, tied
