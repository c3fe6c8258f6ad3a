"""Figures of ranked samples, for many weightings of the same ranking.

Everywhere: samples count `counts` (b, n) times, `order` (n) ranks them; in that order `positive` (n) is 1 or 0,
and `ends` (n) is true where the next sample has another score.
"""

# no_type_check: the tests check the shapes in signatures, and what does that cannot be compiled

from __future__ import annotations

from typing import Any, no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def wins(counts: Any, order: Any, positive: Any, found: Any) -> None:
    """Write pairs of a positive sample and a negative one before it, positives and negatives to `found` (b, 3)."""
    for row in range(counts.shape[0]):
        line, negatives, positives, pairs = counts[row], 0, 0, 0
        for index in range(len(order)):
            weight = np.int64(line[order[index]])
            hit = weight * positive[index]
            negatives += weight - hit
            positives += hit
            pairs += hit * negatives
        found[row, 0], found[row, 1], found[row, 2] = pairs, positives, negatives


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def precision(counts: Any, order: Any, positive: Any, ends: Any, found: Any) -> None:
    """Write the mean, over the positive samples, of the precision down to their score; NaN without one: (b)."""
    for row in range(counts.shape[0]):
        line, seen, hits, before, total = counts[row], 0, 0, 0, 0.0
        for index in range(len(order)):
            weight = np.int64(line[order[index]])
            seen += weight
            hits += weight * positive[index]
            if ends[index] and hits > before:
                total += (hits - before) * (hits / seen)
                before = hits
        found[row] = total / hits


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def partial(counts: Any, order: Any, positive: Any, ends: Any, limit: Any, found: Any) -> None:
    """Write the area under the ROC curve (b), by trapezoids, from no false positives to the share `limit`."""
    for row in range(counts.shape[0]):
        line, negatives, positives = counts[row], 0, 0
        for index in range(len(order)):
            weight = np.int64(line[order[index]])
            positives += weight * positive[index]
            negatives += weight - weight * positive[index]
        last, area, x, y, x_before, y_before = limit * negatives, 0.0, 0, 0, 0, 0
        for index in range(len(order)):
            weight = np.int64(line[order[index]])
            y += weight * positive[index]
            x += weight - weight * positive[index]
            if ends[index]:
                if x > last:
                    y_last = y_before + (y - y_before) * (last - x_before) / (x - x_before)
                    area += (last - x_before) * (y_before + y_last) / 2
                    break
                area += (x - x_before) * (y_before + y) / 2
                x_before, y_before = x, y
        found[row] = area / (float(positives) * float(negatives))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def placements(order: Any, positive: Any, ends: Any, found: Any) -> None:
    """Write how many samples of the other class lie below each sample (n), tied ones counted half; rising order.

    `positive` and `found` are by sample, not in the order.
    """
    first, hits, rest = 0, 0, 0
    for index in range(len(order)):
        if not ends[index]:
            continue
        tied = 0
        for place in range(first, index + 1):
            tied += positive[order[place]]
        others = index + 1 - first - tied
        for place in range(first, index + 1):
            sample = order[place]
            found[sample] = rest + others / 2 if positive[sample] else hits + tied / 2
        first, hits, rest = index + 1, hits + tied, rest + others
