"""`fuse-gui doctor`: what is wrong with the samples, before anything trains on them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.asking import ask, started
from fuse_engine.cli.options import OK, OVERRIDES, PROBLEM, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.passports import print_passports
from fuse_engine.cli.printing import one_line, print_json, print_table

if TYPE_CHECKING:
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.core.health import Finding
    from fuse_engine.service.client import Engine

EXAMPLES = f"""\
  fuse-gui doctor pneumonia.yaml
  fuse-gui doctor pneumonia.yaml --all --round-trips 20
  fuse-gui doctor pneumonia.yaml --json > health.json

exit codes: 0 nothing that blocks training, 1 something does

{OVERRIDES}
"""
_SHOWN = 5
_WIDTH = 110
_SLICE = 1.0


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "look at every sample: files, grids, labels, duplicates, leaks"
    parser = add_command(subparsers, "doctor", sentence, EXAMPLES, run)
    add_experiment(parser)
    parser.add_argument(
        "--all", action="store_true", help=f"show every finding, not the first {_SHOWN} of a check"
    )
    parser.add_argument(
        "--round-trips", type=int, metavar="N",
        help="samples that are sent through the steps and back (default: data.checks.round_trips)",
    )  # fmt: skip
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the checks with their counts, then the findings, then the round trips."""
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.core.health import Finding, Passport

    experiment = Experiment.load(options.experiment, options.overrides)
    checks = experiment.data.checks
    engine = started()
    try:
        report = _health(engine, experiment)
        count = checks.round_trips if options.round_trips is None else options.round_trips
        trips, untraveled = _round_trips(engine, experiment, count)
    finally:
        engine.close()
    findings = [Finding.from_json(item) for item in report["findings"]]
    blocking = [item for item in findings if item.blocks and item.check not in checks.ignore]
    # what keeps a sample from being read stands among the findings
    known = {item.sample for item in findings if item.blocks}
    stuck = {name: told for name, told in untraveled.items() if name not in known}
    failed = len(stuck) + sum(not trip["ok"] for each in trips.values() for trip in each.values())
    if options.json:
        print_json({**report, "round_trips": trips, "stuck": stuck, "blocking": len(blocking) + failed})
    else:
        _print(findings, report["total"], set(checks.ignore), None if options.all else _SHOWN)
        print_passports([Passport.from_json(item) for item in report["passports"]])
        _print_trips(trips, stuck)
        told = f"{len(blocking)} findings and {failed} round trips block training"
        print(f"\n{told if blocking or failed else 'nothing blocks training'}")
    return PROBLEM if blocking or failed else OK


def _health(engine: Engine, experiment: Experiment) -> dict[str, Any]:
    """Ask slice by slice."""
    found: dict[str, Any] = {"findings": [], "passports": [], "total": 0}
    start = 0
    while True:
        reply = ask(engine, "health", experiment, start=start, seconds=_SLICE)
        for name in ("findings", "passports"):
            found[name] += reply[name]
        found["total"] = reply["total"]
        if reply["next"] is None:
            return found
        start = reply["next"]
        if sys.stderr.isatty():
            print(f"\rlooked at {start} of {reply['total']} samples", end="", file=sys.stderr, flush=True)


def _round_trips(
    engine: Engine, experiment: Experiment, count: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the round trips of some samples, and of those that a step fails on, why."""
    from fuse_engine.core.errors import FuseError

    found: dict[str, dict[str, Any]] = {}
    stuck: dict[str, str] = {}
    for name in ask(engine, "spread", experiment, count=count) if count else ():
        try:
            found[name] = ask(engine, "roundtrip", experiment, id=name)
        except FuseError as error:
            stuck[name] = str(replace(error.problems[0], sample="", source=""))
    return found, stuck


def _print(findings: list[Finding], total: int, ignored: set[str], shown: int | None) -> None:
    from fuse_engine.core.health import CHECKS

    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    print(f"{total} samples\n")
    by_check = {name: [item for item in findings if item.check == name] for name in CHECKS}
    rows = []
    for name, same in by_check.items():
        samples = len({item.sample for item in same if item.sample})
        blocks = "ignored" if name in ignored else "blocks" if any(item.blocks for item in same) else ""
        rows.append(
            (
                CHECKS[name].title,
                str(len(same)) if same else "-",
                str(samples) if samples else "",
                blocks if same else "",
            )
        )
    print_table(("check", "findings", "samples", ""), rows)
    for name, same in by_check.items():
        if not same:
            continue
        print(f"\n{fill(f'{CHECKS[name].title} ({name}). {CHECKS[name].help}', _WIDTH)}")
        _print_lines([_line(item) for item in same[:shown]])
        if shown is not None and len(same) > shown:
            print(f"  and {len(same) - shown} more; --all shows them")


def _line(finding: Finding) -> tuple[str, str, str]:
    return one_line(finding.sample) or "(all)", finding.column, one_line(finding.message)


def _print_lines(rows: list[tuple[str, str, str]]) -> None:
    """Print lines below a heading, in columns that line up."""
    widths = [max(len(row[place]) for row in rows) for place in range(2)]
    for first, second, third in rows:
        print(f"  {first.ljust(widths[0])}  {second.ljust(widths[1])}  {third}")


def _print_trips(trips: dict[str, dict[str, Any]], stuck: dict[str, str]) -> None:
    rows = [(one_line(name), "", one_line(told)) for name, told in stuck.items()]
    for name, keys in trips.items():
        for key, trip in keys.items():
            dice = ", ".join(f"{label}: {value:.2f}" for label, value in trip["dice"].items())
            place = f"{trip['displacement_mm']:.2f} mm ({trip['displacement_voxels']:.2f} pixels) off"
            words = [place, f"Dice {dice}" if dice else "", f"{trip['covered']:.0%} covered", trip["reason"]]
            rows.append((one_line(name), key, "; ".join(word for word in words if word)))
    if rows:
        print("\nRound trips: through the steps and back onto the grid of the file")
        _print_lines(rows)
