"""`fuse-gui new`: an experiment from a preset."""

from __future__ import annotations

import argparse
from pathlib import Path

from fuse_engine.cli.options import OK, Subparsers, add_command

EXAMPLES = """\
  fuse-gui new medmnist_pneumonia pneumonia.yaml
  fuse-gui new medmnist_pneumonia small.yaml --data.batch.size 4
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "new", "write an experiment file from a preset", EXAMPLES, run)
    parser.add_argument("preset", metavar="PRESET", help="name of a preset; a wrong one lists them all")
    parser.add_argument("file", type=Path, metavar="FILE", help="experiment file to write")
    parser.add_argument("--force", action="store_true", help="write over FILE")
    parser.set_defaults(overrides=True)


def run(options: argparse.Namespace) -> int:
    """Write the preset, with overrides applied, to the file."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.core.experiment import Experiment

    path: Path = options.file
    experiment = Experiment.from_preset(options.preset, options.overrides, path.parent)
    if path.exists() and not options.force:
        raise FuseError(f"{path} is there already", expected="another name, or --force")
    if not path.parent.is_dir():
        raise FuseError(f"no folder {path.parent}")
    experiment.save(path)
    print(path)
    return OK
