"""`fuse-gui analyze`: measure what a run predicted."""

from __future__ import annotations

import argparse
from typing import Any

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json, add_part, add_run
from fuse_engine.cli.printing import flat, number, print_json, print_table
from fuse_engine.cli.runs import find

EXAMPLES = """\
  fuse-gui analyze runs/pneumonia/20260102-030405-abcdef
  fuse-gui analyze 20260102-030405-abcdef --part validation --json
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "analyze", "measure what a run predicted", EXAMPLES, run)
    add_run(parser)
    add_part(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print every figure; the run's `analysis` folder also gets one value a sample."""
    folder = find(options.run)
    from fuse_engine.run.analyze import analyze

    report: dict[str, Any] = analyze(folder, options.part)
    if options.json:
        print_json(report)
    else:
        rows = [[name, number(value)] for name, value in flat(report["metrics"])]
        print_table(["METRIC", f"{report['part'].upper()} ({report['samples']} samples)"], rows)
        print(folder.analysis / "samples.csv")
    return OK
