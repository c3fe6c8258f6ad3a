"""Whether one figure is better than another on the same samples, by the bootstrap."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Result, Rows
from fuse_engine.metrics.statistics.groups import Filter
from fuse_engine.metrics.statistics.interval import Resampled, interval
from fuse_engine.metrics.statistics.resampling import Figures, Numbers
from fuse_engine.metrics.statistics.slots import inner_rows
from fuse_engine.metrics.weighted import nested


@register
class PairedBootstrap(Resampled):
    """Compares two metrics on the same samples: whether the first is superior, not inferior or equal."""

    higher_is_better: ClassVar[bool | None] = None
    each: ClassVar[str] = "what the first metric says, minus what the second does"
    test: Annotated[Metric, Slot("metric")]
    """The metric that is to be better, e.g. the AUC of the new head."""
    reference: Annotated[Metric, Slot("metric")]
    """The metric it is compared with, of the same kind."""
    hypothesis: Literal["superiority", "non_inferiority", "equality"] = "superiority"
    """`superiority`: better by more than the margin. `non_inferiority`: not worse by the margin or more.
    `equality`: less than the margin apart."""
    margin: float = Field(0.0, ge=0)
    """Difference that counts, in the unit of the metric or as a share of the reference."""
    margin_type: Literal["absolute", "relative"] = "absolute"
    """`relative`: the margin is a share of the size of the reference's figure."""

    @model_validator(mode="after")
    def _comparable(self) -> PairedBootstrap:
        if type(self.test) is not type(self.reference):
            raise ValueError(
                f"expected two metrics of one kind, not {self.test.name()} and {self.reference.name()}"
            )
        if _direction(self.test) is None:
            raise ValueError(f"expected a metric of which more or less is better, {self.test.name()} is not one")
        if self.hypothesis == "equality" and self.margin == 0:
            raise ValueError("expected a margin above 0 for equality")
        return self

    def result(self, rows: Rows) -> Result:
        """Return for each figure `test`, `reference`, `difference`, its interval, `p_value`, `degenerate`.

        The p value is the share of the resamples in which the hypothesis does not hold, with the samples as they
        are counted among them where it does not: (failed + 1) / (resamples + 1). Resamples where either figure is
        NaN are `degenerate` and left out.
        """
        slots = {"test": self.test, "reference": self.reference}
        figures = [Figures(metric, inner_rows(rows, field)) for field, metric in slots.items()]
        paths, draws = figures[0].paths, self.draws(rows)
        if paths != figures[1].paths:
            raise FuseError("the two metrics have different figures", where="reference", expected=f"{paths}")
        values = np.empty((2, self.resamples, len(paths)))
        for numbers, counts in draws.blocks():
            for found, each in zip(values, figures, strict=True):
                found[numbers] = each.weigh(counts)
        every = zip(paths, figures[0].values, figures[1].values, values.transpose(2, 0, 1), strict=True)
        return nested({path: self._compared(test, reference, drawn) for path, test, reference, drawn in every})

    def per_sample(self, rows: Rows) -> NDArray[np.float64] | None:
        """Return what the first metric says of each sample minus what the second does."""
        test = self.test.per_sample(inner_rows(rows, "test"))
        reference = self.reference.per_sample(inner_rows(rows, "reference"))
        return None if test is None or reference is None else test - reference

    def _compared(self, test: float, reference: float, drawn: Numbers) -> Result:
        sound = drawn[:, ~np.isnan(drawn).any(0)]
        names = ("difference", "conf_lower", "conf_upper", "p_value")
        found = {"test": float(test), "reference": float(reference), **dict.fromkeys(names, np.nan)}
        difference = test - reference
        if sound.shape[1] and not np.isnan(difference):
            lower, upper = interval("percentile", self.confidence, difference, sound[0] - sound[1])
            failed = int((~self._holds(sound[0], sound[1])).sum())
            p_value = (failed + 1) / (sound.shape[1] + 1)
            found |= dict(zip(names, (float(difference), lower, upper, p_value), strict=True))
        return {**found, "degenerate": float(drawn.shape[1] - sound.shape[1])}

    def _holds(self, test: Numbers, reference: Numbers) -> NDArray[np.bool_]:
        margin = self.margin * (np.abs(reference) if self.margin_type == "relative" else 1.0)
        gain = test - reference if _direction(self.test) else reference - test
        if self.hypothesis == "equality":
            return np.asarray(np.abs(gain) < margin)
        return np.asarray(gain > (margin if self.hypothesis == "superiority" else -margin))


def _direction(metric: Metric) -> bool | None:
    """Say whether more is better, of some of the samples as of all."""
    return _direction(metric.metric) if isinstance(metric, Filter) else metric.higher_is_better
