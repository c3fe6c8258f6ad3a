"""`fuse-gui cache`: what processed samples are kept, what changed, and making room."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuse_engine.cli.options import OK, OVERRIDES, USAGE, Subparsers, add_command, add_experiment, add_json
from fuse_engine.cli.printing import one_line, print_json, print_table

if TYPE_CHECKING:
    from fuse_engine.data.cache.folder import Stored

LIST = """\
  fuse-gui cache list
  fuse-gui cache list --folder study/kept --json
"""
PRUNE = """\
  fuse-gui cache prune --older-than 30
  fuse-gui cache prune --limit-gb 20
  fuse-gui cache prune --all --folder study/kept
"""
CHANGES = f"""\
  fuse-gui cache changes pneumonia.yaml
  fuse-gui cache changes pneumonia.yaml --data.input.image.1.Resize.size "[128, 128]"

{OVERRIDES}
"""
_DAY = 86400.0


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command and its three parts."""
    sentence = "list and prune the processed samples that are kept, and say what changed"
    parser = subparsers.add_parser(
        "cache", help=sentence, description=f"{sentence[0].upper()}{sentence[1:]}.",
        epilog=f"examples:\n{LIST}{PRUNE}{CHANGES}", formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip

    def explain(options: argparse.Namespace) -> int:
        parser.print_help()
        return USAGE

    parser.set_defaults(handler=explain)
    actions = parser.add_subparsers(metavar="ACTION")
    lister = add_command(actions, "list", "show what is kept, by experiment", LIST, run_list)
    add_json(lister)
    pruner = add_command(actions, "prune", "remove what is kept; the samples stay", PRUNE, run_prune)
    which = pruner.add_mutually_exclusive_group(required=True)
    which.add_argument("--older-than", type=float, metavar="DAYS", help="what was not used for so many days")
    which.add_argument(
        "--limit-gb", type=float, metavar="GB", help="what was used longest ago, down to so many GB"
    )
    which.add_argument("--all", action="store_true", help="everything")
    for one in (lister, pruner):
        one.add_argument("--folder", type=Path, help="folder of the cache (default: the one in the user's cache)")
    changes = add_command(actions, "changes", "say what a run would compute again, and why", CHANGES, run_changes)
    add_experiment(changes)
    add_json(changes)


def run_list(options: argparse.Namespace) -> int:
    """Print one line for each experiment and key, then all that is kept."""
    from fuse_engine.data.cache.folder import stored

    folder = _folder(options)
    entries = stored(folder)
    rows = by_experiment(folder, entries)
    if options.json:
        print_json({"folder": str(folder), "entries": len(entries), "bytes": _bytes(entries), "experiments": rows})
        return OK
    rows = [row for row in rows if row["entries"]]
    cells = [[one_line(row["experiment"]), row["key"], *_cells(row)] for row in rows]
    every = {
        "entries": len(entries),
        "bytes": _bytes(entries),
        "used": max((e.used for e in entries), default=None),
    }
    print_table(["EXPERIMENT", "KEY", "ENTRIES", "GB", "DAYS UNUSED"], [*cells, ["all", "", *_cells(every)]])
    print(f"in {folder}")
    return OK


def by_experiment(folder: Path, entries: list[Stored]) -> list[dict[str, Any]]:
    """Return what each source and key has in the folder; entries that two of them share count for both."""
    from fuse_engine.data.cache.folder import journals
    from fuse_engine.data.cache.journal import read_record

    known = {entry.path.name: entry for entry in entries}
    found = []
    for path in journals(folder):
        record, _ = read_record(path)
        marks = {mark for made in record.latest.values() for mark in made.entries}
        mine = [known[mark] for mark in marks if mark in known]
        found.append(
            {
                "experiment": record.experiment, "key": record.key, "samples": len(record.latest),
                "entries": len(mine), "bytes": _bytes(mine), "used": max((e.used for e in mine), default=None),
            }
        )  # fmt: skip
    return sorted(found, key=lambda row: (row["experiment"], row["key"]))


def run_prune(options: argparse.Namespace) -> int:
    """Remove entries, and nothing else."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.data.cache.folder import prune, refuse_strangers, stored, sweep

    folder = _folder(options)
    limit = options.limit_gb if options.older_than is None else options.older_than
    if not options.all and not limit >= 0:
        raise FuseError("not a limit", source="command line", expected="a number of 0 or more", got=str(limit))
    refuse_strangers(folder)
    sweep(folder)
    entries = stored(folder)
    if options.older_than is not None:
        before = time.time() - options.older_than * _DAY
        gone = prune([entry for entry in entries if entry.used < before], 0)
    else:
        gone = prune(entries, 0 if options.all else options.limit_gb * 1e9)
    _remove_empty(folder)
    left = len(entries) - len(gone)
    print(f"removed {len(gone)} entries, {_bytes(gone) / 1e9:.3f} GB; {left} are left in {folder}")
    return OK


def _remove_empty(folder: Path) -> None:
    """Remove the records of what is not kept any more."""
    from fuse_engine.data.cache.folder import journals, remove, stored
    from fuse_engine.data.cache.journal import read_record

    left = {entry.path.name for entry in stored(folder)}
    for path in journals(folder):
        record, _ = read_record(path)
        if not any(left.intersection(made.entries) for made in record.latest.values()):
            remove(path)


def run_changes(options: argparse.Namespace) -> int:
    """Print what is kept and what is not, one line a key."""
    from fuse_engine.core.experiment import Experiment
    from fuse_engine.data.cache.changes import status
    from fuse_engine.data.dataset import Dataset

    found = status(Dataset.from_experiment(Experiment.load(options.experiment, options.overrides)))
    if options.json:
        print_json(asdict(found))
        return OK
    for line in found.changes:
        print(one_line(line))
    print(f"{found.cached} samples are ready, {found.missing} are not; {found.bytes / 1e9:.3f} GB are kept")
    return OK


def _folder(options: argparse.Namespace) -> Path:
    from fuse_engine.core.errors import FuseError
    from fuse_engine.data.cache.disk import Disk

    folder: Path | None = options.folder
    if folder is not None and not folder.is_dir():
        raise FuseError(f"no folder {folder}", source="command line '--folder'")
    return Disk(folder=folder).place


def _bytes(entries: list[Stored]) -> int:
    return sum(entry.size for entry in entries)


def _cells(row: dict[str, Any]) -> list[str]:
    unused = "-" if row["used"] is None else f"{max(time.time() - row['used'], 0) / _DAY:.1f}"
    return [str(row["entries"]), f"{row['bytes'] / 1e9:.3f}", unused]
