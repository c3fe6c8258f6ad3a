"""`fuse-gui validate`: whether an experiment can work, before anything is trained."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import one_line, print_json, warn

if TYPE_CHECKING:
    from fuse_engine.core.errors import Problem
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.data.split import Folds

EXAMPLES = f"""\
  fuse-gui validate pneumonia.yaml
  fuse-gui validate pneumonia.yaml --components my_losses.py --json

{OVERRIDES}
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "check an experiment: names, fields, keys, shapes, samples"
    parser = add_command(subparsers, "validate", sentence, EXAMPLES, run)
    add_experiment(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print every problem with its file and line, or what the experiment is; and what is odd about its samples."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.run.remarks import divided, remarks

    experiment: Experiment | None = None
    problems: list[Problem] = []
    try:
        experiment = Experiment.load(options.experiment, options.overrides)
        problems += check(experiment)
    except FuseError as error:
        problems += error.problems
    folds = divided(experiment) if experiment else None
    summary = describe(experiment, folds) if experiment and folds and not problems else ""
    warnings = remarks(experiment, folds) if experiment and folds else []
    if options.json:
        found = {"problems": problems, "warnings": warnings}
        lists = {name: [item.to_json() for item in items] for name, items in found.items()}
        print_json({"ok": not problems, **lists, "summary": summary})
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        for warning in warnings:
            warn(one_line(str(warning)))
        if summary:
            print(f"ok: {summary}")
    return PROBLEM if problems else OK


def check(experiment: Experiment) -> list[Problem]:
    """Return everything that is wrong with an experiment."""
    from fuse_engine.run.check import check as check_run

    return check_run(experiment)


def describe(experiment: Experiment, folds: Folds) -> str:
    """Say in one line what would be trained on what."""
    from fuse_engine.data.split import EXTRA, PARTS

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
