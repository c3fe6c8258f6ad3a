"""`fuse-gui validate`: whether an experiment can work, before anything is trained."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import print_json

if TYPE_CHECKING:
    from fuse_engine.core.errors import Problem
    from fuse_engine.core.experiment import Experiment

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
    """Print every problem with its file and line, or what the experiment is."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.core.experiment import Experiment

    experiment: Experiment | None = None
    problems: list[Problem] = []
    try:
        experiment = Experiment.load(options.experiment, options.overrides)
        problems += check(experiment)
    except FuseError as error:
        problems += error.problems
    summary = describe(experiment) if experiment and not problems else ""
    if options.json:
        print_json({"ok": not problems, "problems": [p.to_json() for p in problems], "summary": summary})
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        if summary:
            print(f"ok: {summary}")
    return PROBLEM if problems else OK


def check(experiment: Experiment) -> list[Problem]:
    """Return everything that is wrong with an experiment."""
    from fuse_engine.run.check import check as check_run

    return check_run(experiment)


def describe(experiment: Experiment) -> str:
    """Say in one line what would be trained on what."""
    from fuse_engine.data.split import EXTRA, PARTS, divide

    folds = divide(experiment)
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
