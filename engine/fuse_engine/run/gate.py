"""What the doctor must know of an experiment, and the refusal to train on what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set

import numpy as np

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError, Problem, RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.health import CHECKS, Finding
from fuse_engine.core.keys import keys_of
from fuse_engine.core.resolve import resolve
from fuse_engine.data.doctor import Doctor, Report, Verdicts, cohort_findings, round_trips, source_findings
from fuse_engine.data.fit import steps_of
from fuse_engine.data.processor import Pipeline
from fuse_engine.data.source import Cohort
from fuse_engine.losses.base import Loss, leaves
from fuse_engine.models.base import Model
from fuse_engine.run.assembly import Assembly

LOGITS = "model.logits."
NAMED = 5
"""Findings of one check that are named when a training is refused."""


def doctor_of(experiment: Experiment) -> Doctor:
    """Return the doctor of an experiment; steps that learn from the samples have not done so yet.

    Raises:
        ExperimentError: for a step that is unknown or has wrong arguments.
    """
    pipelines = {key: Pipeline(tuple(group), key) for key, group in steps_of(experiment).items()}
    return Doctor(pipelines, experiment.data.checks, truth_classes(experiment))


def truth_classes(experiment: Experiment) -> dict[str, int]:
    """Return how many classes the model knows, by the key of the truth that a loss compares them with.

    Empty where the model or a loss cannot be made yet: other checks say so.
    """
    try:
        parts = resolve(experiment)
        heads = dict(_sized(parts.at(Model, "model")))
        losses = [leaf for loss in parts.below(Loss, "losses").values() for _, leaf in leaves(loss)]
        # what stands for no label is no class
        pairs = [keys_of(loss) for loss in losses if getattr(loss, "missing", None) is None]
    except FuseError:
        return {}
    found: dict[str, int] = {}
    for keys in pairs:
        pred, target = keys.get("pred", ("",))[0], keys.get("target", ("",))[0]
        classes = heads.get(pred.removeprefix(LOGITS))
        if pred.startswith(LOGITS) and classes is not None:
            found[target] = max(2, classes, found.get(target, 0))  # one output tells two classes apart
    return found


def _sized(item: Component) -> Iterator[tuple[str, int]]:
    """Yield every answer of this component and those within it that has a number of classes."""
    name, own = getattr(item, "output", None), getattr(item, "classes", None)
    if isinstance(name, str) and isinstance(own, int):
        yield name, own
    for field in type(item).model_fields:
        value = getattr(item, field)
        for name, inner in value.items() if isinstance(value, Mapping) else ():
            if isinstance(inner, Component):
                classes = getattr(inner, "classes", None)
                if isinstance(classes, int):
                    yield name, classes
                yield from _sized(inner)


def all_findings(
    experiment: Experiment, cohort: Cohort, between: Callable[[float], None] = lambda share: None
) -> list[Finding]:
    """Return what the doctor finds in all samples; `between` is told how far it is, from 0 to 1."""
    doctor = doctor_of(experiment)
    reports: list[Report] = []
    with Verdicts() as verdicts:
        for index, name in enumerate(cohort.ids):
            between(index / len(cohort))
            reports.append(doctor.examine(cohort.row(name), verdicts))
    own = [item for each in reports for item in each.findings]
    wide = (item for item in cohort_findings(experiment, cohort, reports) if item is not None)
    return [*own, *source_findings(cohort, doctor.pipelines), *wide]


def refuse_unhealthy(assembly: Assembly, between: Callable[[float], None] = lambda share: None) -> None:
    """Refuse to train on samples in which the doctor finds what blocks, or whose round trip fails.

    Raises:
        RunError: naming findings, fields and the command that shows all of them.
    """
    experiment = assembly.experiment
    checks = experiment.data.checks
    findings = all_findings(experiment, assembly.cohort, between)
    blocking = [item for item in findings if item.blocks and item.check not in checks.ignore]
    problems = [*_told(blocking), *_trip_problems(assembly, {item.sample for item in findings if item.blocks})]
    if problems:
        raise RunError(
            *problems,
            Problem(
                "the doctor found what must not be trained on", "data.checks.gate",
                expected="samples corrected or excluded, checks that do not matter in `data.checks.ignore`; "
                "`fuse-gui doctor EXPERIMENT` shows everything",
            ),
        )  # fmt: skip


def _told(findings: list[Finding]) -> Iterator[Problem]:
    for name, check in CHECKS.items():
        same = [item for item in findings if item.check == name]
        for item in same[:NAMED]:
            yield Problem(f"{check.title}: {item.message}", item.column, sample=item.sample, check=name)
        if len(same) > NAMED:
            yield Problem(f"{check.title}: {len(same) - NAMED} more", check=name)


def _trip_problems(assembly: Assembly, told: Set[str]) -> Iterator[Problem]:
    """Measure the round trip of a few training samples, spread over all; of those in `told` more is known."""
    ids, checks = assembly.folds.train, assembly.experiment.data.checks
    places = np.unique(np.linspace(0, len(ids) - 1, min(checks.round_trips, len(ids))).astype(int)).tolist()
    for name in (ids[place] for place in places):
        try:
            trips = round_trips(assembly.dataset.pipelines, assembly.cohort.row(name), checks)
        except FuseError as error:
            if name not in told:
                yield error.problems[0]
            continue
        for key, trip in trips.items():
            if not trip.ok:
                yield Problem(f"round trip: {trip.reason}", key, sample=name)
