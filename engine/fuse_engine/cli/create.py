"""`fuse-gui create`: process every sample once, so that training finds them all in the cache."""

from __future__ import annotations

import argparse
import sys

from fuse_engine.cli.asking import answer
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
        help="processes that work side by side (default: 0, one that a file may end)",
    )  # fmt: skip
    add_json(parser)


def _processes(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MOST}, got '{text}'")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Print the summary, and the samples that cannot be used with their reasons."""
    from fuse_engine.core.experiment import Experiment

    experiment = Experiment.load(options.experiment, options.overrides)
    reply = answer("create", experiment, _progress, workers=options.workers)
    if options.json:
        print_json({name: reply[name] for name in ("samples", "failed", "summary")})
    else:
        print(reply["summary"])
        for bad in reply["failed"]:
            print(bad["reason"], file=sys.stderr)
    return PROBLEM if reply["failed"] else OK


def _progress(share: float, text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}", end="\n" if share == 1 else "", file=sys.stderr, flush=True)
