"""Counts of label maps and of scores."""

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np

_ALIKE = np.uint64(0x0101010101010101)


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def joint_histogram(first: Any, second: Any, counts: Any) -> None:
    """Add how often each pair of labels meets to `counts` (labels of `first`, labels of `second`), int64.

    Both maps are flat uint8. Labels lie in runs, so eight pixels that are alike in both maps are counted as one.
    """
    eights = first.shape[0] // 8
    words, others = first[: 8 * eights].view(np.uint64), second[: 8 * eights].view(np.uint64)
    for at in range(eights):
        word, other = words[at], others[at]
        one, two = word & np.uint64(255), other & np.uint64(255)
        if word == one * _ALIKE and other == two * _ALIKE:
            counts[one, two] += 8
        else:
            for index in range(8 * at, 8 * at + 8):
                counts[first[index], second[index]] += 1
    for index in range(8 * eights, first.shape[0]):
        counts[first[index], second[index]] += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def score_histogram(steps: Any, positive: Any, counts: Any) -> None:
    """Add how many pixels have each score to `counts` (2, steps): those that are not positive, and those that are.

    `steps` (n,) are whole numbers from 0 on, `positive` (n,) 0 or 1.
    """
    for index in range(steps.shape[0]):
        counts[positive[index], steps[index]] += 1
