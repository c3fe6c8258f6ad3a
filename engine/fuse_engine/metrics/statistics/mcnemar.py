"""Whether two predictions of the same samples are wrong equally often."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, chi2
from torch import Tensor

from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import ClassKey, OutputKey
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Rows
from fuse_engine.metrics.classification.decided import decide
from fuse_engine.metrics.classification.scored import plain_rows
from fuse_engine.targets import without_missing


@register
class McNemar(Metric):
    """McNemar's test (1947) of two predictions of the same samples, from the samples that they differ on."""

    higher_is_better: ClassVar[bool | None] = None
    each: ClassVar[str] = "1 where only the first prediction is right, -1 where only the other is"
    pred: OutputKey
    """Logits or probabilities (batch, classes), e.g. `model.output.classifier`."""
    other: OutputKey
    """Logits or probabilities (batch, classes) that are compared."""
    target: ClassKey | None = None
    """Class of each sample (batch,): compared is how often a prediction is right. Where empty, for two classes,
    compared is how often it is the second one."""
    missing: int | None = None
    """Number in the target that stands for no label, e.g. -1: such samples do not count. Every sample must have a
    label where empty."""
    method: Literal["exact", "chi2"] = "exact"
    """`exact`: by the binomial distribution. `chi2`: by the chi-squared one, with continuity correction, for 25
    and more samples that they do not agree on."""

    def collect(self, pred: Tensor, other: Tensor, target: Tensor | None) -> Rows:
        """Keep 1 where a prediction is right, or of the second class, else 0; NaN where it is no number.

        Raises:
            FuseError: when shapes or classes do not fit.
        """
        if target is None and (pred.ndim != 2 or pred.shape[1] != 2):
            raise FuseError(
                "without a target two classes can be compared, not more", where="target",
                expected="predictions (batch, 2), or a target", got=str(tuple(pred.shape)),
            )  # fmt: skip
        if pred.shape != other.shape:
            raise FuseError(
                "the two predictions differ in shape", where="other", expected=str(tuple(pred.shape)),
                got=str(tuple(other.shape)),
            )  # fmt: skip
        truth = pred.new_ones(len(pred)).long() if target is None else target
        there = without_missing(truth, None if target is None else self.missing)[1]
        return {
            "pred": self._right(pred, truth), "other": self._right(other, truth), "counted": there.cpu().numpy(),
        }  # fmt: skip

    def result(self, rows: Rows) -> dict[str, float]:
        """Return `p_value`, `statistic`, and the number of samples in the four cells.

        `both`, `only_pred`, `only_other` and `neither` of the predictions are right. The statistic is the smaller
        of the middle two, or chi squared. All is NaN where a prediction is no number; p is 1 where they always
        agree.
        """
        counted = rows["counted"].astype(bool)
        one, other = rows["pred"][counted], rows["other"][counted]
        if np.isnan(one).any() or np.isnan(other).any():
            return dict.fromkeys(("p_value", "statistic", "both", "only_pred", "only_other", "neither"), np.nan)
        cells = {
            "both": one * other, "only_pred": one * (1 - other), "only_other": (1 - one) * other,
            "neither": (1 - one) * (1 - other),
        }  # fmt: skip
        counts = {name: float(cell.sum()) for name, cell in cells.items()}
        statistic, p_value = mcnemar(counts["only_pred"], counts["only_other"], exact=self.method == "exact")
        return {"p_value": p_value, "statistic": statistic, **counts}

    def per_sample(self, rows: Rows) -> NDArray[np.float64]:
        """Return 1 where only the first prediction is right, -1 where only the other is, else 0.

        NaN where there is no truth.
        """
        return np.where(rows["counted"], rows["pred"] - rows["other"], np.nan)

    def left_out(self, rows: Rows) -> int:
        """Return how many samples have no class and do not count."""
        return int((~rows["counted"].astype(bool)).sum())

    def _right(self, pred: Tensor, target: Tensor) -> NDArray[np.float64]:
        rows = plain_rows(pred, target, self.target or self.pred, [], self.missing if self.target else None)
        if rows["target"].ndim == 2:
            raise FuseError("one class of each sample is needed", where="target", expected="a target (batch,)")
        found = decide(rows, {}, [])
        return np.where(found < 0, np.nan, found == rows["target"])


def mcnemar(first: float, second: float, *, exact: bool) -> tuple[float, float]:
    """Return statistic and two-sided p value from the numbers of samples that only one of two has right."""
    total = first + second
    if exact:
        statistic = min(first, second)
        return statistic, min(1.0, 2 * float(binom.cdf(statistic, total, 0.5)))
    if total == 0:
        return 0.0, 1.0
    statistic = max(abs(first - second) - 1, 0) ** 2 / total
    return statistic, float(chi2.sf(statistic, 1))
