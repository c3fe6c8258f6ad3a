"""`fuse-gui train`: start or continue a run, and watch it."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.options import (
    CANCELLED,
    FAILED,
    OK,
    OVERRIDES,
    PROBLEM,
    USAGE,
    Subparsers,
    add_command,
    add_experiment,
    add_json,
)
from fuse_engine.cli.printing import flat, number, one_line, print_json, warn
from fuse_engine.cli.runs import describe, find

if TYPE_CHECKING:
    from fuse_engine.run.folder import RunFolder

EXAMPLES = f"""\
  fuse-gui train pneumonia.yaml
  fuse-gui train pneumonia.yaml --detach --training.optimizer.Adam.lr 3e-4
  fuse-gui train --resume 20260102-030405-abcdef

{OVERRIDES}

Ctrl-C asks the run to stop after its batch and leaves a checkpoint; once more, and it goes on in the background.
"""

EXIT = {"finished": OK, "stopped": CANCELLED, "cancelled": CANCELLED, "failed": FAILED, "lost": FAILED}
_PAUSE = 0.2
_WAITING = ("queued", "starting", "running")


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "train", "train an experiment, or continue a run", EXAMPLES, run)
    add_experiment(parser, required=False)
    parser.add_argument("--resume", metavar="RUN", help="continue this run from its last checkpoint")
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", dest="wait", action="store_true", default=True, help="show progress (default)")
    waiting.add_argument("--detach", dest="wait", action="store_false", help="return at once, the run goes on")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Start or continue a run; unless detached, return when it has ended."""
    if (options.experiment is None) == (options.resume is None):
        keeps = "; a run that is continued keeps its settings" if options.resume else ""
        print(f"fuse-gui train: give either an experiment FILE or --resume RUN{keeps}", file=sys.stderr)
        return USAGE
    if options.resume and options.overrides:
        print("fuse-gui train: a run that is continued keeps its settings", file=sys.stderr)
        return USAGE
    folder = _resumed(options.resume) if options.resume else _started(options)
    if folder is None:
        return PROBLEM
    if not options.json:
        print(folder.path, flush=True)
    if options.wait:
        _watch(folder)
    status = folder.status()
    if options.json:
        print_json({**describe(folder), "values": last_values(folder)})
    elif options.wait:
        print(": ".join(part for part in (status.state, status.message) if part))
    return EXIT.get(status.state, CANCELLED if options.wait else OK)


def last_values(folder: RunFolder) -> dict[str, float]:
    """Return the losses and metrics of the last epoch by name; empty before the first one ended."""
    table = folder.metrics()
    return {} if table.empty else {str(name): float(value) for name, value in table.iloc[-1].items()}


def _started(options: argparse.Namespace) -> RunFolder | None:
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.run import process
    from fuse_engine.run.check import check
    from fuse_engine.run.remarks import divided, remarks

    experiment = Experiment.load(options.experiment, options.overrides)
    problems = check(experiment)
    for problem in problems:
        print(problem, file=sys.stderr)
    # a run passes over single samples; three of a kind are named, what tells of more belongs to none
    skips = experiment.data.checks.failed == "skip"
    steps = ("data.input.", "data.gt.")  # elsewhere, e.g. in the split, a sample stands for what concerns all
    stops = any(not (skips and item.sample and item.where.startswith(steps)) for item in problems)
    # who waits is shown the run's own warnings
    folds = divided(experiment) if stops or not options.wait else None
    for remark in remarks(experiment, folds) if folds else []:
        warn(one_line(str(remark)))
    return None if stops else process.start(experiment)


def _resumed(text: str) -> RunFolder:
    from fuse_engine.run import process

    folder = find(text)
    process.resume(folder)
    return folder


def _watch(folder: RunFolder) -> None:
    """Show progress until the run ends; the first Ctrl-C asks it to stop, the second leaves it alone."""
    from tqdm import tqdm

    since, asked = _first_to_show(folder), False
    with tqdm(unit="step", dynamic_ncols=True, file=sys.stderr, disable=None) as bar:
        while True:
            try:
                since = _show(folder, since, bar)
                if folder.status().state not in _WAITING:
                    _show(folder, since, bar)
                    return
                time.sleep(_PAUSE)
            except KeyboardInterrupt:
                if asked:
                    bar.write(
                        f"the run goes on: fuse-gui train --resume {folder.name} once it has stopped", sys.stderr
                    )
                    return
                asked = True
                folder.request("stop")
                bar.write(
                    "stopping after this batch, with a checkpoint; Ctrl-C again to leave it alone", sys.stderr
                )


def _first_to_show(folder: RunFolder) -> int:
    """Return from where events are new: a run that is continued has shown its old ones."""
    return 0 if folder.status().step == 0 else folder.events()[1]


def _show(folder: RunFolder, since: int, bar: Any) -> int:
    events, since = folder.events(since)
    for event in events:
        if event["kind"] == "batch":
            _show_batch(event, bar)
        elif event["kind"] == "epoch":
            _say(bar, _epoch_line(event))
        elif event["kind"] == "warning":
            _say(bar, f"warning: {event['message']}")
    return since


def _say(bar: Any, text: str) -> None:
    bar.write(text, sys.stderr)


def _show_batch(event: dict[str, Any], bar: Any) -> None:
    bar.total = event["steps"]
    bar.n = event["step"] + 1
    loss = event["losses"].get("total_loss")
    bar.set_description(f"epoch {event['epoch'] + 1}", refresh=False)
    bar.set_postfix_str(f"loss {number(loss)}", refresh=False)
    bar.refresh()


def _epoch_line(event: dict[str, Any]) -> str:
    validation = event.get("validation") or {}
    values = {**validation.get("losses", {}), **validation.get("metrics", {})}
    figures = [f"{name} {number(value)}" for name, value in flat(values)]
    best = " (best so far)" if event.get("best") else ""
    return f"epoch {event['epoch'] + 1}: {', '.join(figures) or 'done'}{best}"
