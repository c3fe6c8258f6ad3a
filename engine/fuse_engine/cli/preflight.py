"""`fuse-gui preflight`: what a training will cost and how it begins, from one real try."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from fuse_engine.cli.asking import answer
from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import number, print_json, print_table

EXAMPLES = f"""\
  fuse-gui preflight pneumonia.yaml
  fuse-gui preflight pneumonia.yaml --data.batch.size 64 --json

exit codes: 0 it fits into the memory, 1 it does not, or cannot be trained

{OVERRIDES}
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "try a few real steps: memory, time, share of loading, first losses, gradients"
    parser = add_command(subparsers, "preflight", sentence, EXAMPLES, run)
    add_experiment(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print what was measured, what is remarkable about it, and what would fit where it does not."""
    from fuse_engine.core.experiment import Experiment

    experiment = Experiment.load(options.experiment, options.overrides)
    found = answer("preflight", experiment, _told if sys.stderr.isatty() else None)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if options.json:
        print_json(found)
    else:
        _print(found)
    return OK if found["fits"] else PROBLEM


def _told(fraction: float, text: str) -> None:
    print(f"\r\033[K{fraction:4.0%} {text}", end="", file=sys.stderr, flush=True)


def _print(found: dict[str, Any]) -> None:
    if not found["fits"]:
        print("does not fit into the memory")
    if found["proposal"]:
        print("; ".join([found["proposal"]["title"], *(fix["title"] for fix in found["proposal"]["fixes"])]))
    if found["seconds_per_step"] is not None:
        for line in _lines(found):
            print(line)
        _print_losses(found)
    for note in found["notes"]:
        print(f"- {note}")


def _lines(found: dict[str, Any]) -> list[str]:
    gigabytes = [f"{found[name] / 2**30:.2f} GiB" for name in ("peak_bytes", "total_bytes")]
    return [
        f"memory   {gigabytes[0]} of {gigabytes[1]} ({found['device']}, {found['precision']})",
        f"step     {number(found['seconds_per_step'])} s, {number(found['samples_per_second'])} samples a second, "
        f"{found['loading_share']:.0%} of it loading",
        f"whole    about {duration(found['eta_seconds'])} for {found['steps']} steps",
    ]


def duration(seconds: float) -> str:
    """Return a time in words, e.g. `2 h 5 min`."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _print_losses(found: dict[str, Any]) -> None:
    print()
    shares = found["gradient_share"]
    rows = [
        (
            name, number(value), number(found["chance"].get(name)),
            f"{shares[name]:.0%}" if name in shares else "-",
        )
        for name, value in found["first_loss"].items()
    ]  # fmt: skip
    print_table(("loss", "first", "by chance", "gradient"), rows)
    for pair in found["cosine"]:
        print(f"{pair['a']} and {pair['b']}: cosine of their gradients {pair['value']:.2f}")
    if len(found["heads_share"]) > 1:
        print("heads: " + ", ".join(f"{name} {share:.0%}" for name, share in found["heads_share"].items()))
    print()
