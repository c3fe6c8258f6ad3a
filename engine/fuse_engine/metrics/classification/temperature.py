"""The temperature that calibrates logits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, LogitsKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.metrics.classification.scored import ABSENT, given, plain_rows

Numbers = NDArray[np.float64]
_STEEPEST = 1e6
"""Largest 1 / temperature that is looked for."""


@register
class Temperature(Metric):
    """The number to divide logits by for the smallest negative log likelihood, and that likelihood (Guo 2017).

    Below 1 the model is too modest, above 1 too sure of itself.
    """

    higher_is_better: ClassVar[bool | None] = None
    each: ClassVar[str] = "probability given to the truth"
    pred: LogitsKey
    """Logits (batch, classes), e.g. `model.logits.classifier`."""
    target: ClassKey
    """Class of each sample (batch,), e.g. `data.gt.classification`."""
    missing: int | None = None
    """Number in the target that stands for no label, e.g. -1: such samples do not count. Every sample must have a
    label where empty."""

    def collect(self, pred: Tensor, target: Tensor) -> Rows:
        """Keep logits and class of each sample.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        if pred.ndim != 2 or pred.shape[1] < 2 or target.ndim != 1:
            raise FuseError(
                "shapes do not fit", where="target",
                expected="logits (batch, classes) of 2 classes or more and a target (batch,)",
                got=f"{tuple(pred.shape)} and {tuple(target.shape)}",
            )  # fmt: skip
        return plain_rows(pred, target, self.target, [], self.missing)

    def result(self, rows: Rows) -> dict[str, float]:
        """Return `temperature`, and the mean negative log likelihood before, `nll`, and behind, `nll_scaled`.

        The temperature is 0 where every sample is right, infinite where chance would be better; all is NaN without
        samples, or with logits that are no numbers.
        """
        there = rows["target"] != ABSENT
        logits, target = rows["pred"][there], rows["target"][there]
        if not len(target) or not np.isfinite(logits).all():
            return dict.fromkeys(("temperature", "nll", "nll_scaled"), np.nan)
        steepness = _steepness(logits, target)
        temperature = 1 / steepness if steepness else np.inf
        return {
            "temperature": temperature if steepness < _STEEPEST else 0.0,
            "nll": _likelihood(logits, target, 1.0), "nll_scaled": _likelihood(logits, target, steepness),
        }  # fmt: skip

    def per_sample(self, rows: Rows) -> Numbers:
        """Return the probability that each sample's class was given; NaN where there is none."""
        return given(softmax(rows["pred"], axis=1), rows["target"])

    def left_out(self, rows: Rows) -> int:
        """Return how many samples have no class and do not count."""
        return int((rows["target"] == ABSENT).sum())


def _likelihood(logits: Numbers, target: NDArray[np.int64], steepness: float) -> float:
    """Return the mean negative log likelihood of logits (n, classes) times the steepness."""
    return float(-log_softmax(steepness * logits, axis=1)[np.arange(len(target)), target].mean())


def _steepness(logits: Numbers, target: NDArray[np.int64]) -> float:
    """Return the 1 / temperature of the smallest likelihood, which is convex in it, from 0 to `_STEEPEST`."""
    true = logits[np.arange(len(target)), target]

    def slope(steepness: float) -> float:
        return float(((softmax(steepness * logits, axis=1) * logits).sum(1) - true).mean())

    if slope(0.0) >= 0:
        return 0.0
    if (true == logits.max(1)).all():
        return _STEEPEST
    high = 1.0
    while slope(high) < 0 and high < _STEEPEST:
        high *= 2
    if slope(high) < 0:
        return _STEEPEST
    return float(brentq(slope, 0.0, high, xtol=1e-12))
