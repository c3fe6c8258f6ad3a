"""A metric in parts of the samples."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.core.component import Slot
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.metrics.base import Metric, Rows, mean_defined
from fuse_engine.metrics.statistics.resampling import Figures
from fuse_engine.metrics.statistics.slots import inner_rows, subset
from fuse_engine.metrics.statistics.values import text_of, values_of
from fuse_engine.metrics.weighted import Counts, Path, Weigh, Weighted, counts_of, flattened

_UNKNOWN = "unknown"
_SUMMARY = ("mean", "std", "median")


@register
class GroupAnalysis(Weighted):
    """A metric in each group of samples, e.g. each site, and how far the groups are apart."""

    higher_is_better: ClassVar[bool | None] = None
    metric: Annotated[Metric, Slot("metric")]
    """The metric that is measured in each group."""
    group: Key
    """What tells the groups apart: a class, a number, or a text such as `data.gt.site` (made by a `Text` step)."""
    edges: list[float] = Field([])
    """Borders of groups of numbers, e.g. `[40, 60]`: below 40, from 40 to below 60, from 60 on; none where
    empty."""
    names: list[str] = Field([])
    """Names of the groups where they are classes; their numbers where empty."""

    @model_validator(mode="after")
    def _rising(self) -> GroupAnalysis:
        if any(second <= first for first, second in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"expected rising borders, not {self.edges}")
        if self.edges and self.names:
            raise ValueError("expected either `edges` or `names`: groups between borders are named after them")
        return self

    def collect(self, group: Any) -> Rows:
        """Keep the name of each sample's group.

        Raises:
            FuseError: when there is no one text or number for each sample, or it has no name.
        """
        return {"group": np.array([self._title(value) for value in values_of(group, self.group)], np.str_)}

    def paths(self, rows: Rows) -> list[Path]:
        """Return the figures of each of the `groups`, their `samples`, and `mean`, `std` and `median`."""
        groups, figures = self._groups(rows), list(flattened(self.metric.result(inner_rows(rows, "metric"))))
        return [
            *(("groups", name, *path) for name in groups for path in figures),
            *(("samples", name) for name in groups), *((word, *path) for word in _SUMMARY for path in figures),
        ]  # fmt: skip

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures.

        Mean, standard deviation with n below and median are taken over the groups where the figure is defined; NaN
        where there is none.
        """
        inner, groups = inner_rows(rows, "metric"), self._groups(rows)
        paths = list(flattened(self.metric.result(inner)))
        figures = {name: Figures(self.metric, subset(inner, there), paths) for name, there in groups.items()}

        def weigh(counts: Counts) -> NDArray[np.float64]:
            values = np.full((len(counts), len(groups), len(paths)), np.nan)
            samples = np.zeros(values.shape[:2])
            for at, (name, there) in enumerate(groups.items()):
                some = counts_of(counts, there)
                samples[:, at] = some.sum(1)
                values[:, at] = np.where(samples[:, at, None] > 0, figures[name].weigh(some), np.nan)
            return np.concatenate([values.reshape(len(counts), -1), samples, *_summary(values)], 1)

        return weigh

    def _groups(self, rows: Rows) -> dict[str, NDArray[np.bool_]]:
        """Return which samples are in each group, in the groups' order."""
        names = sorted({str(name) for name in rows["group"]}, key=self._place)
        return {name: np.asarray(rows["group"] == name) for name in names}

    def per_sample(self, rows: Rows) -> NDArray[np.float64] | None:
        """Return what the metric says of each sample."""
        return self.metric.per_sample(inner_rows(rows, "metric"))

    def _place(self, name: str) -> tuple[float, str]:
        """Return what groups are ordered by: borders and classes as they rise, then text."""
        known = [self._between(value) for value in (-np.inf, *self.edges)] if self.edges else self.names
        if name in known:
            return float(known.index(name)), ""
        try:
            return float(name), ""
        except ValueError:
            return np.inf, name

    def _title(self, value: Any) -> str:
        if isinstance(value, str):
            return value or _UNKNOWN
        if np.isnan(value):
            return _UNKNOWN
        if self.edges:
            return self._between(float(value))
        if not self.names:
            return text_of(value)
        if not float(value).is_integer() or not 0 <= value < len(self.names):
            raise FuseError(
                f"'{self.group}' holds a group without a name", where="names",
                expected=f"classes from 0 to {len(self.names) - 1}", got=text_of(value),
            )  # fmt: skip
        return self.names[int(value)]

    def _between(self, value: float) -> str:
        at = int(np.searchsorted(self.edges, value, side="right"))
        if at == 0:
            return f"below {text_of(self.edges[0])}"
        low = text_of(self.edges[at - 1])
        return f"from {low}" if at == len(self.edges) else f"{low} to {text_of(self.edges[at])}"


def _summary(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return mean, standard deviation and median (b, f) of the groups (b, g, f) where the figure is defined."""
    mean = mean_defined(values, 1)
    std = np.sqrt(mean_defined((values - mean[:, None]) ** 2, 1))
    median = np.full(mean.shape, np.nan)
    some = ~np.isnan(mean)
    median[some] = np.nanmedian(values.swapaxes(1, 2)[some], 1)
    return [mean, std, median]


@register
class Filter(Weighted):
    """A metric of some of the samples: those whose value is among `values`, or between two ends."""

    higher_is_better: ClassVar[bool | None] = None
    metric: Annotated[Metric, Slot("metric")]
    """The metric that is measured."""
    where: Key
    """What samples are chosen by: a class, a number or a text."""
    values: list[str] = Field([])
    """Values of the samples that are kept, e.g. `[mlo]` or the classes `[1, 2]`; any where empty."""
    minimum: float | None = None
    """Smallest number that is kept; any where empty."""
    maximum: float | None = None
    """Largest number that is kept; any where empty."""

    @model_validator(mode="after")
    def _some(self) -> Filter:
        if not self.values and self.minimum is None and self.maximum is None:
            raise ValueError("expected `values`, `minimum` or `maximum`: without them every sample is kept")
        return self

    def collect(self, where: Any) -> Rows:
        """Keep whether each sample is chosen.

        Raises:
            FuseError: when there is no one text or number for each sample, or a text has to lie between numbers.
        """
        found = values_of(where, self.where)
        kept = np.ones(len(found), np.bool_)
        if self.values:
            kept &= np.isin([text_of(value) for value in found], self.values)
        if self.minimum is None and self.maximum is None:
            return {"kept": kept}
        if found.dtype.kind == "U":
            raise FuseError(
                f"'{self.where}' holds text", where="where", expected="numbers for minimum and maximum"
            )
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        return {"kept": kept & (found >= low) & (found <= high)}

    def paths(self, rows: Rows) -> list[Path]:
        """Return those of the metric."""
        return self._figures(rows).paths

    def weighing(self, rows: Rows) -> Weigh:
        """Return what gives the figures of the chosen samples; NaN without any."""
        figures, kept = self._figures(rows), rows["kept"].astype(bool)
        return lambda counts: figures.weigh(counts_of(counts, kept))

    def _figures(self, rows: Rows) -> Figures:
        return Figures(self.metric, subset(inner_rows(rows, "metric"), rows["kept"].astype(bool)))

    def per_sample(self, rows: Rows) -> NDArray[np.float64] | None:
        """Return what the metric says of each chosen sample, NaN for the others."""
        found = self.metric.per_sample(inner_rows(rows, "metric"))
        return None if found is None else np.where(rows["kept"], found, np.nan)
