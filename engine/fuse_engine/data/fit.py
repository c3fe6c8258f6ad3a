"""Writes into an experiment what its steps learn from the training samples."""

from __future__ import annotations

from typing import cast

from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.core.sections import Spec
from fuse_engine.data.processor import Pipeline, Processor
from fuse_engine.data.source import Cohort
from fuse_engine.data.split import Folds, divide


def steps_of(experiment: Experiment) -> dict[str, list[Processor]]:
    """Return the steps of every pipeline by its key, e.g. `data.input.image`.

    Raises:
        ExperimentError: for a step that is unknown or has wrong arguments.
    """
    groups: dict[str, dict[str, list[Spec]]] = {"input": experiment.data.input, "gt": experiment.data.gt}
    return {
        f"data.{side}.{name}": [
            cast(Processor, component("processor", spec, ("data", side, name, index), experiment))
            for index, spec in enumerate(specs)
        ]
        for side, group in groups.items()
        for name, specs in group.items()
    }


def fit_experiment(experiment: Experiment, cohort: Cohort | None = None, folds: Folds | None = None) -> Experiment:
    """Return the experiment with what its steps learn from the training samples written out.

    What is already there is kept, so a run that stores the result processes every later sample alike. `cohort` are
    the samples of `data.source`; `folds` those of the experiment, where they are already made.

    Raises:
        FuseError: when the source cannot be read or split; `SampleError` for a cell that does not fit.
    """
    steps = steps_of(experiment)
    if not any(step.unfitted for group in steps.values() for step in group):
        return experiment
    folds = divide(experiment, cohort) if folds is None else folds
    rows = folds.cohort.rows(folds.train)
    for key, group in steps.items():
        for index, step in enumerate(group):
            if step.unfitted:
                place: Place = (*key.split(".", 2), index)
                try:
                    group[index] = step.fit(rows, Pipeline(tuple(group[:index]), key))
                except FuseError as error:
                    raise error.placed(where=".".join(map(str, (*place, step.name())))) from error
                experiment = experiment.changed(place, group[index].to_entry())
    return experiment
