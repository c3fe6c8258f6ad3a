"""Everything that can be known to be wrong before training, each as one sentence at the right field."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError, Problem, nearest
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.keys import keys_of
from fuse_engine.data.collate import collate
from fuse_engine.data.split import shared_files
from fuse_engine.metrics.base import Metric
from fuse_engine.models.base import BatchModule
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.augmentation_check import augmentation_problems
from fuse_engine.run.callbacks import Callback
from fuse_engine.run.evaluation import TOTAL, flat
from fuse_engine.run.mixing_check import mixing_problems
from fuse_engine.run.places import at_place
from fuse_engine.run.sizes import size_problems

BATCH = 2
"""Samples in the batch that shapes are propagated with, unless batches are smaller."""
NAMED = 3
"""Samples of one kind of problem that are named."""
PATIENCE = 0.5
"""Seconds to look for files."""


@dataclass(frozen=True)
class KeyInfo:
    """One key of the batch: what it holds, who makes it, who reads it."""

    key: str
    shape: tuple[int, ...]
    """Without the batch axis."""
    dtype: str
    producer: str
    """Place in the experiment, e.g. `data.input.image`, `model.MultiHead`."""
    consumers: tuple[str, ...]
    """Places of the fields that read it."""


@dataclass(frozen=True)
class Preview:
    """A small batch of training samples with the outputs the model will add, and the model without weights."""

    batch: NestedDict
    module: BatchModule


def check(experiment: Experiment, samples: bool = True, saved: Path | None = None) -> list[Problem]:
    """Return what is wrong with an experiment; empty when it can be trained.

    Without `samples`, single samples that cannot be read are left out: a run may pass over a few. `saved` is the
    split that a run wrote.
    """
    try:
        assembly = Assembly.of(experiment, saved)
    except FuseError as error:
        return _sourced(experiment, list(error.problems))
    return problems_of(assembly, samples)


def problems_of(assembly: Assembly, samples: bool = True) -> list[Problem]:
    """Return what is wrong with an experiment that could be put together; `samples` as for `check`."""
    problems = [*_split_problems(assembly), *_key_problems(assembly), *_learning_problems(assembly)]
    sample_problems = list(_sample_problems(assembly)) if samples else []
    if not problems:
        try:
            problems = _preview_problems(assembly, preview(assembly))
        except FuseError as error:
            problems = list(error.problems)
    samples_told = {problem.sample for problem in sample_problems} - {""}
    steps_told = {problem.where for problem in sample_problems}
    new = [
        found for found in problems
        if not found.sample or (found.sample not in samples_told and found.where not in steps_told)
    ]  # fmt: skip
    return _sourced(assembly.experiment, [*sample_problems, *new])


def flow(experiment: Experiment) -> list[KeyInfo]:
    """Return every key of the batch, in the order they come about.

    Raises:
        FuseError: when the source, the first samples or the model cannot be used.
    """
    assembly = Assembly.of(experiment)
    readers = _readers(assembly)
    model = ".".join(assembly.model_place)
    return [
        KeyInfo(
            key, tuple(value.shape[1:]), str(value.dtype).removeprefix("torch."),
            model if key.startswith("model.") else key,
            tuple(where for where, read in readers if read == key),
        )
        for key, value in preview(assembly).batch.items()
        if isinstance(value, Tensor)
    ]  # fmt: skip


def preview(assembly: Assembly) -> Preview:
    """Propagate shapes through the model on the meta device: nothing is computed.

    Raises:
        FuseError: when no sample can be read, or the model does not fit.
    """
    sample = assembly.first(assembly.folds.train)
    batch = collate([sample] * min(BATCH, assembly.experiment.data.batch.size))
    with torch.device("meta"):
        module = assembly.build(sample)
        tensors = {key: value.to("meta") for key, value in batch.items() if isinstance(value, Tensor)}
        with at_place(assembly.experiment, *assembly.model_place), torch.no_grad():
            found = _forward(module, NestedDict(tensors))
    for key, value in found.items():
        if key not in batch:
            batch[key] = torch.full(value.shape, 1 / value.shape[1], dtype=value.dtype)
    return Preview(batch, module)


def _forward(module: BatchModule, batch: NestedDict) -> NestedDict:
    try:
        result: NestedDict = module(batch)
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        raise FuseError(f"the model does not fit the samples: {_first_line(error)}") from error
    return result


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _split_problems(assembly: Assembly) -> Iterator[Problem]:
    yield from shared_files(assembly.folds, assembly.dataset.pipelines)
    rules = assembly.experiment.training.best
    if not assembly.folds.validation and any(rule.source.startswith("validation.") for rule in rules):
        yield Problem(
            "no sample is left for the validation", "data.split.validation",
            expected="a fold that is neither for training nor for the test",
        )  # fmt: skip


def _sample_problems(assembly: Assembly) -> Iterator[Problem]:
    """Process the first sample of each part; of the others look for the files and try the cells."""
    found: dict[str, list[Problem]] = {}
    for problem in [*_first_samples(assembly), *_rows(assembly)]:
        same = found.setdefault(problem.where, [])
        if problem.sample not in [other.sample for other in same]:
            same.append(problem)
    order = {name: index for index, name in enumerate(assembly.cohort.ids)}
    for where, same in found.items():
        same.sort(key=lambda problem: order[problem.sample])
        yield from same[:NAMED]
        if len(same) > NAMED:
            yield Problem(f"{len(same) - NAMED} more samples have a problem here", where)


def _first_samples(assembly: Assembly) -> Iterator[Problem]:
    for part in ("train", "validation", "test"):
        for name in getattr(assembly.folds, part)[:1]:
            try:
                assembly.tensors(name)
            except FuseError as error:
                yield error.placed(sample=name).problems[0]


def _rows(assembly: Assembly) -> Iterator[Problem]:
    end = time.monotonic() + PATIENCE
    for row in assembly.cohort.rows(assembly.cohort.ids):
        if time.monotonic() > end:
            return  # many samples, or a slow share; the run itself will name the rest
        for pipeline in assembly.dataset.pipelines.values():
            try:
                pipeline.fingerprint(row) if pipeline.reads_files(row) else pipeline.run(row)
            except FuseError as error:
                yield error.placed(sample=row.id, where=pipeline.where).problems[0]


def _components(assembly: Assembly) -> Iterator[tuple[Place, Component]]:
    """Yield what reads keys, in the order of the batch's way, each with its place."""
    experiment = assembly.experiment
    steps = assembly.parts.below(Component, "augmentation")
    for index in sorted(steps, key=int):
        yield ("augmentation", int(index), steps[index].name()), steps[index]
    yield assembly.model_place, assembly.model
    for section, found in (("losses", assembly.losses), ("metrics", assembly.metrics)):
        specs = getattr(experiment, section)
        for name, item in found.items():
            yield (section, name, specs[name].name), item


def _inner(place: Place, item: Component) -> Iterator[tuple[Place, Component]]:
    """Yield a component and those in its slots."""
    yield place, item
    for name in type(item).model_fields:
        for key, inner in _named(getattr(item, name)):
            if isinstance(inner, Component):
                below = (name,) if key is None else (name, key)
                yield from _inner((*place, *below, inner.name()), inner)


def _named(value: Any) -> list[tuple[str | int | None, Any]]:
    """Return what a field holds by name or position; one thing alone has none."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else [(None, value)]


def _readers(assembly: Assembly) -> list[tuple[str, str]]:
    """Return (place of the field, key) of all that read the batch."""
    found = [
        (".".join(map(str, (*place, field))), key)
        for top, component in _components(assembly)
        for place, item in _inner(top, component)
        for field, keys in keys_of(item).items()
        for key in keys
    ]
    data = assembly.experiment.data
    if data.batch.balance and data.batch.balance.key:
        found.append(("data.batch.balance.key", data.batch.balance.key))
    return [*found, ("data.negative_key", data.negative_key)] if data.negative_key else found


def _key_problems(assembly: Assembly) -> Iterator[Problem]:
    """Say which keys are read and made by nobody before."""
    made = list(assembly.dataset.pipelines)
    outputs = list(assembly.model.outputs())
    for where, key in _readers(assembly):
        known = [*made, *outputs] if where.startswith(("losses.", "metrics.")) else made
        if key not in known:
            yield Problem(
                f"nothing produces '{key}'", where, expected=_who_could(key, known), nearest=nearest(key, known)
            )


def _who_could(key: str, known: list[str]) -> str:
    side, name = key.split(".")[0], key.split(".")[-1]
    if key.startswith(("model.logits.", "model.output.")):
        return f"a head called '{name}' in the model, or one of {', '.join(known)}"
    if side == "data":
        return f"steps under '{key}', or one of {', '.join(known)}"
    return f"one of {', '.join(known)}"


def _learning_problems(assembly: Assembly) -> Iterator[Problem]:
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


def _preview_problems(assembly: Assembly, seen: Preview) -> list[Problem]:
    found = [
        *augmentation_problems(assembly, seen.batch), *mixing_problems(assembly, seen.batch),
        *_loss_problems(assembly, seen.batch),
        *_class_problems(assembly, seen.batch), *size_problems(assembly),
    ]  # fmt: skip
    return found or [*_value_problems(assembly, seen.batch), *_freeze_problems(assembly, seen.module)]


def _loss_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Compute every loss and metric once, on outputs that mean nothing and samples that are real."""
    experiment = assembly.experiment
    for name, loss in assembly.losses.items():
        yield from _tried(experiment, ("losses", name, loss.name()), loss, lambda loss=loss: loss.compute(batch))
    for name, metric in assembly.metrics.items():
        yield from _tried(
            experiment, ("metrics", name, metric.name()), metric, lambda metric=metric: metric.rows(batch)
        )


def _tried(experiment: Experiment, place: Place, item: Component, call: Any) -> Iterator[Problem]:
    try:
        with at_place(experiment, *place):
            try:
                call()
            except (RuntimeError, ValueError, IndexError, TypeError) as error:
                field = "target" if "target" in type(item).model_fields else ""
                raise FuseError(f"cannot be computed: {_first_line(error)}", where=field) from error
    except FuseError as error:
        yield from error.problems


def _class_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Compare all classes that the source holds with those that the model predicts; no image is read."""
    for where, item in [(f"losses.{name}.{loss.name()}", loss) for name, loss in assembly.losses.items()]:
        keys = keys_of(item)
        pred, target = keys.get("pred", ("",))[0], keys.get("target", ("",))[0]
        if pred not in batch or target not in batch or batch[target].ndim != 1 or batch[pred].ndim != 2:
            continue
        classes = batch[pred].shape[1]
        try:
            labels = assembly.dataset.labels(target)
        except FuseError as error:
            if any(problem.sample for problem in error.problems):
                yield from error.problems
            continue
        name, worst = max(labels.items(), key=lambda pair: pair[1])
        if worst >= classes:
            yield Problem(
                f"'{target}' holds the class {worst}, the model predicts {classes} classes", f"{where}.target",
                sample=name, expected=f"classes from 0 to {classes - 1}, or a head with {worst + 1} classes",
            )  # fmt: skip


def _value_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Compare the names of values that are followed with those that will be there."""
    training = assembly.experiment.training
    known = known_values(assembly, batch)
    wanted = [(f"training.best.{index}.source", rule.source) for index, rule in enumerate(training.best)]
    for index, item in assembly.parts.below(Callback, "training", "callbacks").items():
        wanted += [(f"training.callbacks.{index}.{item.name()}", name) for name in item.watches()]
    for where, name in wanted:
        if name not in known:
            yield Problem(
                f"no value '{name}'", where, expected=f"one of {', '.join(known)}", nearest=nearest(name, known)
            )


def _freeze_problems(assembly: Assembly, module: BatchModule) -> Iterator[Problem]:
    parts = module.parts
    for index, stage in enumerate(assembly.experiment.training.stages):
        where = f"training.stages.{index}.freeze"
        unknown = [name for name in stage.freeze if name not in parts]
        for name in unknown:
            yield Problem(
                f"the model has no part '{name}'", where, expected=f"one of {', '.join(parts)}",
                nearest=nearest(name, parts),
            )  # fmt: skip
        frozen = {id(weight) for name in stage.freeze if name in parts for weight in parts[name].parameters()}
        if all(id(weight) in frozen for weight in module.parameters()):
            yield Problem("every part is frozen, so nothing can be learned", where)


def known_values(assembly: Assembly, batch: NestedDict) -> list[str]:
    """Return the names of all values that an epoch's report will hold."""
    losses = [f"{side}.losses.{name}" for side in ("validation", "train") for name in (*assembly.losses, TOTAL)]
    metrics = {name: _result(metric, batch) for name, metric in assembly.metrics.items()}
    return [*losses, *flat({"validation": {"metrics": metrics}})]


def _result(metric: Metric, batch: NestedDict) -> Any:
    return metric.result(metric.rows(batch))


def _sourced(experiment: Experiment, problems: list[Problem]) -> list[Problem]:
    """Add file and line where a problem has none."""
    source = experiment.source
    return [
        replace(problem, source=problem.source or source(_place(problem.where))) if problem.where else problem
        for problem in problems
    ]


def _place(where: str) -> Place:
    return tuple(int(part) if part.isdigit() else part for part in where.split("."))
