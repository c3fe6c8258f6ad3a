"""Whether what the training follows, freezes and draws is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.metrics.base import Metric
from fuse_engine.models.base import BatchModule
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.callbacks import Callback
from fuse_engine.run.evaluation import TOTAL, flat
from fuse_engine.run.freezing import frozen, name_problems
from fuse_engine.run.places import at_place


def learning_problems(assembly: Assembly) -> Iterator[Problem]:
    """Say whether there is something to learn, and whether every stage has its samples."""
    experiment = assembly.experiment
    if not assembly.losses and experiment.run.train:
        yield Problem("there is no loss, so nothing can be learned", "losses", expected="at least one loss")
    try:
        assembly.timetable()
        for index in range(len(experiment.training.stages)):
            assembly.validation(index)
    except FuseError as error:
        where = "data.batch.balance" if experiment.data.batch.balance else "data.batch"
        yield from error.placed(where=where).problems


def value_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Compare the names of values that are followed with those that will be there."""
    training = assembly.experiment.training
    try:
        known = known_values(assembly, batch)
    except FuseError as error:
        yield from error.problems
        return
    wanted = [(f"training.best.{index}.source", rule.source) for index, rule in enumerate(training.best)]
    for index, item in assembly.parts.below(Callback, "training", "callbacks").items():
        wanted += [(f"training.callbacks.{index}.{item.name()}", name) for name in item.watches()]
    for where, name in wanted:
        if name not in known:
            yield Problem(
                f"no value '{name}'", where, expected=f"one of {', '.join(known)}", nearest=nearest(name, known)
            )


def known_values(assembly: Assembly, batch: NestedDict) -> list[str]:
    """Return the names of all values that an epoch's report will hold.

    Raises:
        ExperimentError: at the metric whose result cannot be made.
    """
    losses = [f"{side}.losses.{name}" for side in ("validation", "train") for name in (*assembly.losses, TOTAL)]
    metrics: dict[str, Any] = {}
    for name, metric in assembly.metrics.items():
        with at_place(assembly.experiment, "metrics", name, metric.name()):
            metrics[name] = _result(metric, batch)
    return [*losses, *flat({"validation": {"metrics": metrics}})]


def _result(metric: Metric, batch: NestedDict) -> Any:
    return metric.result(metric.rows(batch))


def freeze_problems(assembly: Assembly, module: BatchModule) -> Iterator[Problem]:
    """Say which frozen parts the model lacks, and whether anything is left to learn."""
    experiment = assembly.experiment
    if experiment.run.train and not any(weight.requires_grad for weight in module.parameters()):
        yield Problem(f"{assembly.model.name()} has nothing to train", "run.train", expected="false")
        return
    for index, stage in enumerate(experiment.training.stages):
        where = f"training.stages.{index}.freeze"
        yield from name_problems(module, stage.freeze, where)
        kept = _weights(module, stage.freeze)
        if all(id(weight) in kept for weight in module.parameters()):
            yield Problem("every part is frozen, so nothing can be learned", where)


def first_frozen(assembly: Assembly, module: BatchModule) -> set[int]:
    """Return the ids of the weights that the first stage keeps as they are."""
    stages = assembly.experiment.training.stages
    return _weights(module, stages[0].freeze if stages else [])


def _weights(module: BatchModule, names: list[str]) -> set[int]:
    return {id(weight) for part in frozen(module, names) for weight in part.parameters()}
