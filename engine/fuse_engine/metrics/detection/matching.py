"""Which predicted finding is which true one, and the figures that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from fuse_engine.metrics.base import Rows


@dataclass(frozen=True, eq=False)
class Pairs:
    """Predicted and true findings that overlap."""

    found: Int[np.ndarray, " n"]
    """Place of the prediction of each pair, from 0 on."""
    truth: Int[np.ndarray, " n"]
    """Place of the true finding of each pair, from 0 on."""
    iou: Float[np.ndarray, " n"]
    """Their intersection over union."""


def matched(pairs: Pairs, least: float, scores: Float[np.ndarray, " found"] | None = None) -> int:
    """Return how many predicted findings are matched, each with one true finding that overlaps it enough.

    Predictions choose in the order of their scores, as in COCO; without scores the pair that overlaps most is
    matched first. Each takes the finding that overlaps it most among those that are free, if their intersection
    over union is at least `least`.
    """
    enough = pairs.iou >= least
    found, truth, iou = pairs.found[enough], pairs.truth[enough], pairs.iou[enough]
    first = np.zeros(len(found)) if scores is None else -scores[found]
    taken, gone = set[int](), set[int]()
    order = np.lexsort((truth, found, -iou, first))
    for one, other in zip(found[order].tolist(), truth[order].tolist(), strict=True):
        if one not in taken and other not in gone:
            taken.add(one)
            gone.add(other)
    return len(taken)


def figures(rows: Rows) -> dict[str, NDArray[np.float64]]:
    """Return precision, recall and F1 over all samples: of `tp`, `found` and `truth` (n, ...), one a class.

    Precision is NaN where nothing was predicted, recall where nothing is true, F1 where both hold.
    """
    tp, found, truth = (rows[name].sum(0) for name in ("tp", "found", "truth"))
    return {"precision": _share(tp, found), "recall": _share(tp, truth), "f1": _share(2 * tp, found + truth)}


def f1_of_samples(rows: Rows) -> NDArray[np.float64]:
    """Return the F1 of each sample, over all classes; NaN where nothing is true and nothing was predicted."""
    tp, found, truth = (rows[name].reshape(len(rows[name]), -1).sum(1) for name in ("tp", "found", "truth"))
    return _share(2 * tp, found + truth)


def _share(part: Any, whole: Any) -> NDArray[np.float64]:
    # NaN, of a prediction that is not made of numbers, stays NaN
    return np.where(whole == 0, np.nan, part / np.where(whole == 0, 1, whole))
