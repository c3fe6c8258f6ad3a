"""Options that several commands share, and the exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

OK, PROBLEM, USAGE, FAILED, CANCELLED = 0, 1, 2, 3, 130
"""Exit codes: done; a problem with the input; wrong usage; a run or the program failed; cancelled."""

Handler = Callable[[argparse.Namespace], int]
Subparsers = argparse._SubParsersAction
"""What a command is added to."""

OVERRIDES = (
    "any field of the experiment may be set after FILE: --seed 7  --no-infer  --training.optimizer.Adam.lr 3e-4"
)


def add_command(
    subparsers: Subparsers[argparse.ArgumentParser], name: str, sentence: str, examples: str, handler: Handler
) -> argparse.ArgumentParser:
    """Add a command with its help, its examples, and the options that every command has."""
    parser = subparsers.add_parser(
        name, help=sentence, description=f"{sentence[0].upper()}{sentence[1:]}.", epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--debug", action="store_true", help="show the trace of an internal error")
    parser.add_argument(
        "--components", action="append", default=[], type=Path, metavar="FILE",
        help="a Python file with components of your own; it is run (may be repeated)",
    )  # fmt: skip
    parser.set_defaults(handler=handler)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def add_experiment(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add the experiment file; unknown options then are overrides of its fields."""
    parser.add_argument(
        "experiment", type=Path, metavar="FILE", nargs=None if required else "?", help="experiment (YAML)"
    )
    parser.set_defaults(overrides=True)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the run: a folder, or the id of a run below ./runs."""
    parser.add_argument("run", metavar="RUN", help="folder of the run, or its id where ./runs has it")


def add_part(parser: argparse.ArgumentParser) -> None:
    """Add the part of the samples."""
    parts = ("train", "validation", "test", "all")
    parser.add_argument("--part", choices=parts, default="test", help="which samples (default: test)")
