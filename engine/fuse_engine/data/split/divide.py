"""From an experiment to the part of every sample: its source, its extra training samples, its saved split."""

from __future__ import annotations

from pathlib import Path

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data.source import Cohort, read_cohort
from fuse_engine.data.split.extra import joined, read_extra, with_extra
from fuse_engine.data.split.folds import Folds
from fuse_engine.data.split.make import make_folds
from fuse_engine.data.split.saved import saved_folds


def divide(experiment: Experiment, cohort: Cohort | None = None, saved: Path | None = None) -> Folds:
    """Return the folds of all samples of an experiment; their `cohort` holds those of `data.extra_train` too.

    `cohort` are the samples of `data.source`, read where empty; `saved` is the split that a run wrote, which then
    counts instead of `data.split`.

    Raises:
        FuseError: when a source cannot be read or divided, or its extra samples are not apart from the others.
    """
    split = experiment.data.split
    cohort = read_cohort(experiment) if cohort is None else cohort
    group = split.group or cohort.group_column
    extra = read_extra(experiment)
    everything = cohort if extra is None else joined(cohort, extra, group)
    if saved is not None and saved.exists():
        return saved_folds(everything, saved, group)
    try:
        folds = make_folds(cohort, split, experiment.seed, experiment.folder)
    except FuseError as error:
        raise error.placed(where="data.split") from error
    return folds if extra is None else with_extra(folds, everything, group)
