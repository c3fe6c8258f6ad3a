"""`fuse-gui validate`: whether an experiment can work, before anything is trained."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.asking import answer, sourced
from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import one_line, print_json, warn

if TYPE_CHECKING:
    from fuse_engine.core.errors import Problem

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
    from fuse_engine.core.errors import FuseError, Problem
    from fuse_engine.core.experiment import Experiment

    problems: list[Problem] = []
    reply: dict[str, Any] = {"warnings": [], "summary": ""}
    try:
        experiment = Experiment.load(options.experiment, options.overrides)
        reply = answer("review", experiment)
        problems += [sourced(experiment, Problem(**item)) for item in reply["problems"]]
    except FuseError as error:
        problems += error.problems
    if options.json:
        own = {name: reply[name] for name in ("warnings", "summary")}
        print_json({"ok": not problems, "problems": [problem.to_json() for problem in problems], **own})
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        for warning in reply["warnings"]:
            warn(one_line(str(Problem(**warning))))
        if reply["summary"]:
            print(f"ok: {reply['summary']}")
    return PROBLEM if problems else OK
