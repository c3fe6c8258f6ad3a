"""`fuse-gui create`: process every sample once, so that training finds them all in the cache."""

from __future__ import annotations

import argparse
import sys

from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import print_json

EXAMPLES = f"""\
  fuse-gui create pneumonia.yaml
  fuse-gui create pneumonia.yaml --workers 4 --json > created.json

exit codes: 0 every sample can be used, 1 some cannot

{OVERRIDES}
"""
_MOST = 64
"""Processes, as many as `data.batch.workers` may be."""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "process every sample into the cache, and sum up what they are"
    parser = add_command(subparsers, "create", sentence, EXAMPLES, run)
    add_experiment(parser)
    parser.add_argument(
        "--workers", type=_processes, default=0, metavar="N",
        help="processes that work side by side (default: 0, this one)",
    )  # fmt: skip
    add_json(parser)


def _processes(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MOST}, got '{text}'")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Print the summary, and the samples that cannot be used with their reasons."""
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.run.assembly import Assembly
    from fuse_engine.run.create import create, summary

    assembly = Assembly.of(Experiment.load(options.experiment, options.overrides))

    def each(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} samples", end="\n" if done == total else "", file=sys.stderr, flush=True)

    failed = create(assembly, workers=options.workers, each=each)
    if options.json:
        rows = [{"sample": bad.id, "step": bad.step, "reason": bad.message} for bad in failed]
        print_json({"samples": len(assembly.cohort), "failed": rows, "summary": summary(assembly)})
    else:
        print(summary(assembly))
        for bad in failed:
            print(bad.message, file=sys.stderr)
    return PROBLEM if failed else OK
