"""`fuse-gui runs`: what has been run, and how it stands."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json
from fuse_engine.cli.printing import one_line, print_json, print_table

if TYPE_CHECKING:
    from fuse_engine.run.folder import RunFolder

EXAMPLES = """\
  fuse-gui runs
  fuse-gui runs study/runs --json
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "runs", "list runs, newest first", EXAMPLES, run)
    parser.add_argument("folder", type=Path, metavar="FOLDER", nargs="?", help="folder of runs (default: ./runs)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print one line a run."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.run.folder import list_runs

    folder: Path = options.folder or Path("runs")
    if not folder.is_dir():
        raise FuseError(f"no folder {folder}", expected="a folder of runs, such as ./runs")
    facts = [describe(one) for one in list_runs(folder)]
    if options.json:
        print_json(facts)
    elif facts:
        print_table(["RUN", "EXPERIMENT", "STATE", "EPOCH", "STARTED", "MESSAGE"], [_cells(one) for one in facts])
    else:
        print(f"no runs in {folder}", file=sys.stderr)
    return OK


def describe(run: RunFolder) -> dict[str, Any]:
    """Return what a run is and where it stands; times in seconds since 1970."""
    status = run.status()
    return {
        "run": run.name, "experiment": run.experiment_name, "path": str(run.path), "state": status.state,
        "epoch": status.epoch, "epochs": status.epochs, "step": status.step, "steps": status.steps,
        "started": status.started, "updated": status.updated, "message": status.message,
    }  # fmt: skip


def find(text: str) -> RunFolder:
    """Return the run of that folder, or of that id below ./runs.

    Raises:
        RunError: naming the nearest run.
    """
    from fuse_engine.core.errors import FuseError, nearest
    from fuse_engine.run.folder import RunFolder, list_runs

    if (Path(text) / "experiment.yaml").is_file():
        return RunFolder(text)
    known = {run.name: run for run in list_runs(Path("runs"))}
    if text in known:
        return known[text]
    raise FuseError(
        f"no run '{text}'", expected="a run's folder, or the id of a run in ./runs", nearest=nearest(text, known)
    )


def _cells(facts: dict[str, Any]) -> list[str]:
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts["started"])) if facts["started"] else "-"
    # the status counts epochs from 0, people from 1
    epoch = f"{facts['epoch'] + 1 if facts['step'] else 0}/{facts['epochs']}"
    return [facts["run"], facts["experiment"], facts["state"], epoch, started, one_line(facts["message"])]
