"""The base of every metric, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import geometry_key, read

Rows = dict[str, NDArray[Any]]
"""Arrays whose first axis is the sample."""

Result = float | Mapping[str, Any]
"""A figure, or figures by name (a class, `macro_avg`, `conf_lower`, a group), nested."""

MACRO = "macro_avg"
"""Name of the mean over classes in a result."""
UNDEFINED = "undefined"
"""Name of how many samples were left out of the mean of each class, as there was nothing to measure."""
INFINITE = "infinite"
"""Name of how many samples were left out of the mean of each class, as their value is infinite."""


class Metric(Component):
    """A figure of merit: rows are collected batch by batch, the result is made of the rows of all samples."""

    kind: ClassVar[str] = "metric"
    higher_is_better: ClassVar[bool | None] = True
    """None where the figures are neither better nor worse, e.g. those of a confusion matrix."""

    measured_on: ClassVar[str] = ""
    """The field of the key whose images' place `collect` is given as well, as `geometry`: a `Geometry` a sample,
    or None where the batch has none."""

    each: ClassVar[str] = ""
    """What `per_sample` says, e.g. `probability given to the truth`; empty where the metric's name says it."""

    @abstractmethod
    def collect(self, *args: Any, **kwargs: Any) -> Rows:
        """Return what is kept of a batch, one row a sample, from the tensors its keys stand for.

        Raises:
            FuseError: when shapes or classes do not fit.
        """

    @abstractmethod
    def result(self, rows: Rows) -> Result:
        """Return the figure over all samples, or one a class and their mean; NaN where it is undefined."""

    @abstractmethod
    def per_sample(self, rows: Rows) -> NDArray[np.float64] | None:
        """Return a figure for each sample, by which the worst ones are found, or None."""

    def left_out(self, rows: Rows) -> int:
        """Return how many truths are `missing` and do not count."""
        return 0

    def rows(self, batch: NestedDict) -> Rows:
        """Return what is kept of a batch, one row a sample; those of a metric in a field as `<field>.<row>`.

        Raises:
            FuseError: when a key is missing, or shapes or classes do not fit.
        """
        values = read(self, batch)
        if self.measured_on:
            key = geometry_key(getattr(self, self.measured_on))
            values["geometry"] = batch.get(key)
        found = self.collect(**values)
        for name in type(self).model_fields:
            inner = getattr(self, name)
            if isinstance(inner, Metric):
                found |= {f"{name}.{row}": array for row, array in _inner_rows(name, inner, batch).items()}
        return found


def _inner_rows(field: str, inner: Metric, batch: NestedDict) -> Rows:
    """Return the rows of a metric in a field; an error in it says so."""
    try:
        return inner.rows(batch)
    except FuseError as error:
        place = f"{field}.{inner.name()}"
        raise FuseError(
            *(replace(each, where=f"{place}.{each.where}".rstrip(".")) for each in error.problems)
        ) from error


def mean_defined(values: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return the mean of the values that are not NaN, NaN where there is none."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum(w v) / sum(w) over the last axis, without values that are NaN; NaN where no weight is left."""
    known = ~np.isnan(values) & (weights > 0)
    share = np.where(known, weights, 0.0)
    total = share.sum(-1)
    return np.where(
        total > 0, (np.where(known, values, 0.0) * share).sum(-1) / np.where(total > 0, total, 1), np.nan
    )


def class_names(names: Sequence[str], classes: int) -> list[str]:
    """Return the names of the classes, their numbers where there are none.

    Raises:
        FuseError: when there are names, but not one for each class.
    """
    if names and len(names) != classes:
        raise FuseError(
            "one name for each class is needed", where="names", expected=f"{classes} names", got=str(len(names))
        )
    return list(names) or [str(index) for index in range(classes)]
