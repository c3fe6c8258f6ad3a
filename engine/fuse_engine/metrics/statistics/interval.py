"""Confidence intervals of any metric."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import norm

from fuse_engine.core.component import Slot
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Result, Rows
from fuse_engine.metrics.statistics.resampling import Draws, Figures, Numbers
from fuse_engine.metrics.statistics.slots import inner_rows
from fuse_engine.metrics.statistics.values import values_of
from fuse_engine.metrics.weighted import length, nested

Method = Literal["percentile", "normal", "pivotal"]


class Resampled(Metric):
    """Figures whose spread is found by drawing the samples again and again, with replacement (Efron 1979)."""

    resamples: int = Field(2000, ge=1, le=1_000_000)
    """Number of times that the samples are drawn."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """Share of the resamples' figures between the ends of an interval."""
    stratify: Key | None = None
    """What keeps its shares in every resample, e.g. `data.gt.classification`; none where empty."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Another number draws other resamples; the same one draws the same."""

    def collect(self, stratify: Any) -> Rows:
        """Keep the stratum of each sample.

        Raises:
            FuseError: when it is no text and no number of each sample.
        """
        return {} if self.stratify is None else {"stratify": values_of(stratify, self.stratify)}

    def draws(self, rows: Rows) -> Draws:
        """Return the resamples of the samples."""
        return Draws(self.seed, self.resamples, rows.get("stratify", np.zeros(length(rows))))


@register
class ConfidenceInterval(Resampled):
    """The bootstrap confidence interval of each figure of a metric."""

    higher_is_better: ClassVar[bool | None] = None
    metric: Annotated[Metric, Slot("metric")]
    """The metric whose figures are looked at."""
    method: Method = "percentile"
    """`percentile`: quantiles of the resamples' figures. `normal`: the figure and its standard error, which may
    reach over 1. `pivotal`: quantiles of the error, twice the figure minus the percentiles."""

    def result(self, rows: Rows) -> Result:
        """Return for each figure `org`, `mean`, `std`, `conf_lower`, `conf_upper` and `degenerate`.

        That is the number of resamples where the figure is NaN; they are left out of the rest. Where the figure of
        all samples is NaN, so is everything else.
        """
        figures, draws = Figures(self.metric, inner_rows(rows, "metric")), self.draws(rows)
        values = np.empty((self.resamples, len(figures.paths)))
        for numbers, counts in draws.blocks():
            values[numbers] = figures.weigh(counts)
        every = zip(figures.paths, figures.values, values.T, strict=True)
        return nested({path: self._interval(value, drawn) for path, value, drawn in every})

    def per_sample(self, rows: Rows) -> NDArray[np.float64] | None:
        """Return what the metric says of each sample."""
        return self.metric.per_sample(inner_rows(rows, "metric"))

    def _interval(self, value: float, drawn: Numbers) -> Result:
        sound = drawn[~np.isnan(drawn)]
        found = {"org": float(value), **dict.fromkeys(("mean", "std", "conf_lower", "conf_upper"), np.nan)}
        if len(sound) and not np.isnan(value):
            lower, upper = interval(self.method, self.confidence, value, sound)
            mean = float(np.clip(sound.mean(), sound.min(), sound.max()))
            found |= {"mean": mean, "std": spread(sound), "conf_lower": lower, "conf_upper": upper}
        return {**found, "degenerate": float(len(drawn) - len(sound))}


def spread(values: Numbers) -> float:
    """Return the standard deviation with n - 1 below; NaN for one value."""
    if len(values) > 1 and np.ptp(values) == 0:
        return 0.0  # without what rounding leaves
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan


def interval(method: Method, confidence: float, value: float, drawn: Numbers) -> tuple[float, float]:
    """Return the ends of the confidence interval of a figure from those of resamples (b,)."""
    tail = (1 - confidence) / 2
    if method == "normal":
        reach = float(norm.isf(tail)) * spread(drawn)
        return value - reach, value + reach
    lower, upper = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    return (lower, upper) if method == "percentile" else (2 * value - upper, 2 * value - lower)
