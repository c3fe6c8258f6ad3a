"""`fuse-gui infer`: predict samples with a trained run."""

from __future__ import annotations

import argparse

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json, add_part, add_run
from fuse_engine.cli.printing import print_json, warn
from fuse_engine.cli.runs import find

EXAMPLES = """\
  fuse-gui infer runs/pneumonia/20260102-030405-abcdef
  fuse-gui infer 20260102-030405-abcdef --checkpoint last --part validation
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "predict samples with a trained run: a table, and masks"
    parser = add_command(subparsers, "infer", sentence, EXAMPLES, run)
    add_run(parser)
    parser.add_argument("--checkpoint", default="best", metavar="NAME", help="best (default), last, best1, ...")
    add_part(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Predict, and say where the table is."""
    folder = find(options.run)
    from fuse_engine.run.infer import infer

    path = infer(folder, options.checkpoint, options.part, say=warn)
    if options.json:
        print_json({"run": str(folder.path), "part": options.part, "table": str(path)})
    else:
        print(path)
    return OK
