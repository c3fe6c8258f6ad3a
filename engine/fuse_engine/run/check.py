"""Everything that can be known to be wrong before training, each as one sentence at the right field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.augmentation_check import augmentation_problems
from fuse_engine.run.fixes import place_of
from fuse_engine.run.graph import key_role
from fuse_engine.run.mixing_check import mixing_problems
from fuse_engine.run.preview import Preview, preview, small_batch
from fuse_engine.run.readers import readers
from fuse_engine.run.sample_check import sample_problems, split_problems
from fuse_engine.run.sizes import size_problems
from fuse_engine.run.training_check import freeze_problems, learning_problems, value_problems
from fuse_engine.run.wiring_check import (
    activation_problems,
    class_problems,
    computed_problems,
    key_problems,
    role_problems,
    text_problems,
)


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
    role: str
    """What it is good for, see `graph.key_role`."""


def check(experiment: Experiment, samples: bool = True, saved: Path | None = None) -> list[Problem]:
    """Return what is wrong with an experiment; empty when it can be trained.

    Without `samples`, single samples that cannot be read are left out: a run may pass over a few. `saved` is the
    split that a run wrote.
    """
    try:
        assembly = Assembly.of(experiment, saved)
    except FuseError as error:
        return sourced(experiment, list(error.problems))
    return problems_of(assembly, samples)


def problems_of(assembly: Assembly, samples: bool = True) -> list[Problem]:
    """Return what is wrong with an experiment that could be put together; `samples` as for `check`."""
    problems = [*split_problems(assembly), *key_problems(assembly), *learning_problems(assembly)]
    found = list(sample_problems(assembly)) if samples else []
    if not problems:
        try:
            problems = _with_a_batch(assembly)
        except FuseError as error:
            problems = list(error.problems)
    samples_told = {problem.sample for problem in found} - {""}
    steps_told = {problem.where for problem in found}
    new = [
        problem for problem in problems
        if not problem.sample or (problem.sample not in samples_told and problem.where not in steps_told)
    ]  # fmt: skip
    return sourced(assembly.experiment, [*found, *new])


def _with_a_batch(assembly: Assembly) -> list[Problem]:
    batch = small_batch(assembly)
    if found := list(text_problems(assembly, batch)):
        return found
    seen = preview(assembly, batch)
    found = [
        *augmentation_problems(assembly, seen.batch), *mixing_problems(assembly, seen.batch),
        *wiring_problems(assembly, seen), *size_problems(assembly),
    ]  # fmt: skip
    return found or training_problems(assembly, seen)


def wiring_problems(assembly: Assembly, seen: Preview) -> list[Problem]:
    """Return what does not fit between the model, the losses, the metrics and the truth."""
    found = [
        *role_problems(assembly, seen), *activation_problems(assembly, seen), *class_problems(assembly, seen)
    ]  # fmt: skip
    told = {place_of(problem.where)[:3] for problem in found}
    computed = computed_problems(assembly, seen)
    return [*found, *(problem for problem in computed if place_of(problem.where)[:3] not in told)]


def training_problems(assembly: Assembly, seen: Preview) -> list[Problem]:
    """Return what the training follows or freezes that is not there."""
    return [*value_problems(assembly, seen.batch), *freeze_problems(assembly, seen.module)]


def flow(experiment: Experiment) -> list[KeyInfo]:
    """Return every key of the batch, in the order they come about.

    Raises:
        FuseError: when the source, the first samples or the model cannot be used.
    """
    assembly = Assembly.of(experiment)
    found = readers(assembly)
    model = ".".join(assembly.model_place)
    return [
        KeyInfo(
            key, tuple(value.shape[1:]), str(value.dtype).removeprefix("torch."),
            model if key.startswith("model.") else key,
            tuple(reader.where for reader in found if reader.key == key), key_role(key, value),
        )
        for key, value in preview(assembly).batch.items()
        if isinstance(value, Tensor)
    ]  # fmt: skip


def sourced(experiment: Experiment, problems: list[Problem]) -> list[Problem]:
    """Add file and line where a problem has none."""
    source = experiment.source
    return [
        replace(problem, source=problem.source or source(place_of(problem.where))) if problem.where else problem
        for problem in problems
    ]
