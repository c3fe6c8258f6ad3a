"""The base of every metric, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.keys import read

Rows = dict[str, NDArray[Any]]
"""Arrays whose first axis is the sample."""

Result = float | Mapping[str, "Result"]
"""A figure, or figures by name (a class, `macro_avg`, `conf_lower`, a group), nested."""

MACRO = "macro_avg"
"""Name of the mean over classes in a result."""


class Metric(Component):
    """A figure of merit: rows are collected batch by batch, the result is made of the rows of all samples."""

    kind: ClassVar[str] = "metric"
    higher_is_better: ClassVar[bool] = True

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

    def rows(self, batch: NestedDict) -> Rows:
        """Return what is kept of a batch, one row a sample.

        Raises:
            FuseError: when a key is missing, or shapes or classes do not fit.
        """
        return self.collect(**read(self, batch))


def mean_defined(values: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return the mean of the values that are not NaN, NaN where there is none."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


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
