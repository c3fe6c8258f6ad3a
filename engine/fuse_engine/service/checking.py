"""Whether an experiment can work, and which value goes where in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError, RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data.split import EXTRA, PARTS, Folds
from fuse_engine.run import check as checks
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.create import create as create_samples
from fuse_engine.run.create import summary
from fuse_engine.run.remarks import divided, remarks
from fuse_engine.service.opened import open_experiment
from fuse_engine.service.work import Work


def validate(work: Work, experiment: str, folder: str) -> list[dict[str, str]]:
    """Return everything that is wrong with an experiment; empty when it can be trained."""
    try:
        problems = list(checks.check(open_experiment(experiment, folder)))
    except FuseError as error:
        problems = list(error.problems)
    return [problem.to_json() for problem in problems]


def flow(work: Work, experiment: str, folder: str) -> list[dict[str, Any]]:
    """Return every key of a sample's way: shape, dtype, what makes it and what reads it.

    Raises:
        FuseError: when the experiment cannot be followed that far.
    """
    return [asdict(info) for info in checks.flow(open_experiment(experiment, folder))]


def review(work: Work, experiment: str, folder: str) -> dict[str, Any]:
    """Return the problems of an experiment, what is odd about its samples, what it is, and broken components.

    Raises:
        FuseError: when the table of excluded samples cannot be read.
    """
    opened = open_experiment(experiment, folder)
    folds: Folds | None
    try:
        assembly = Assembly.of(opened)
    except FuseError as error:
        problems, folds = list(error.problems), divided(opened)
    else:
        problems, folds = checks.problems_of(assembly), assembly.folds
    return {
        "problems": [problem.to_json() for problem in problems],
        "warnings": [remark.to_json() for remark in remarks(opened, folds)] if folds else [],
        "summary": _in_one_line(opened, folds) if folds and not problems else "",
        "broken": dict(registry.broken),
    }


def create(work: Work, experiment: str, folder: str, workers: int) -> dict[str, Any]:
    """Process every sample into the cache; return how many there are, which cannot be used, and what they are.

    Raises:
        FuseError: when the experiment cannot be put together, or a loader dies.
    """
    assembly = Assembly.of(open_experiment(experiment, folder))

    def each(done: int, total: int) -> None:
        work.progress(done / total, f"{done} of {total} samples")

    try:
        failed = create_samples(assembly, workers=workers, each=each)
    except (RunError, RuntimeError):  # torch raises the latter wherever it hears of the death
        if not workers:
            raise
        # a loader died, and nobody knows of which file; this process says what it reads
        failed = create_samples(assembly, each=each)
    rows = [{"sample": bad.id, "step": bad.step, "reason": bad.message} for bad in failed]
    return {
        "samples": len(assembly.cohort), "failed": rows, "summary": summary(assembly),
        "broken": dict(registry.broken),
    }  # fmt: skip


def _in_one_line(experiment: Experiment, folds: Folds) -> str:
    """Say what would be trained on what."""
    count = {part: len(folds.positions(part)) for part in PARTS}
    parts = [f"{count[part]} {part}" for part in PARTS if count[part] or part != "unused"]
    if experiment.data.extra_train:
        parts[0] += f", {sum(fold == EXTRA for fold in folds.fold_of.values())} of them extra"
    epochs = sum(stage.epochs for stage in experiment.training.stages)
    losses = ", ".join(experiment.losses) or "no loss"
    return (
        f"{experiment.name}: {len(folds.cohort)} samples ({', '.join(parts)}), {experiment.model.name}, {losses}, "
        f"{epochs} epochs"
    )
