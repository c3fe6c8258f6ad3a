"""The part of an experiment that an edit of its model, losses or metrics leaves alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import Parts, resolve_what_fits
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.split import divide
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.preview import small_batch


@dataclass(frozen=True, eq=False)
class Seen:
    """The samples of an experiment and a small batch of them, or why there is none."""

    assembly: Assembly | None
    batch: NestedDict | None
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Read the source, divide it, and process the first training sample."""
        assembly: Assembly | None = None
        try:
            parts, _ = resolve_what_fits(experiment)
            folds = divide(experiment)
            fitted, cohort = fit_experiment(experiment, folds=folds), folds.cohort
            assembly = Assembly(fitted, parts, cohort, folds, Dataset.from_experiment(fitted, cohort))
            if experiment.data.patches is not None and not parts.has("data", "patches"):
                return cls(assembly, None)
            return cls(assembly, small_batch(assembly))
        except FuseError as error:
            return cls(assembly, None, error.problems)

    def assembled(self, experiment: Experiment, parts: Parts) -> Assembly:
        """Return an edited experiment over the same samples.

        Raises:
            FuseError: when there are none.
        """
        if self.assembly is None:
            raise FuseError(*self.problems)
        mine = self.assembly
        edited = experiment.model_copy(update={"data": mine.experiment.data})
        return Assembly(edited, parts, mine.cohort, mine.folds, mine.dataset)
