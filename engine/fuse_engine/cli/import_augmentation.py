"""`fuse-gui import-augmentation`: the augmentations of a Musket or imgaug configuration."""

from __future__ import annotations

import argparse
from pathlib import Path

from fuse_engine.cli.image_keys import add_image_keys, image_keys
from fuse_engine.cli.options import OK, Subparsers, add_command
from fuse_engine.cli.printing import one_line, warn

EXAMPLES = """\
  fuse-gui import-augmentation salt/config.yaml
  fuse-gui import-augmentation config.yaml --label data.gt.segmentation
  fuse-gui import-augmentation config.yaml --experiment pneumonia.yaml --white 1000
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "print a Musket configuration's augmentations as those of an experiment"
    parser = add_command(subparsers, "import-augmentation", sentence, EXAMPLES, run)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="Musket configuration, or its augmentation section"
    )
    parser.add_argument(
        "--white", type=float, default=1.0, metavar="VALUE",
        help="what imgaug's 255 is in the experiment's images (default: 1)",
    )  # fmt: skip
    add_image_keys(parser)


def run(options: argparse.Namespace) -> int:
    """Print the section; warn of what imgaug would have done instead, and of what is left out."""
    from fuse_engine.augment.musket import import_augmentation
    from fuse_engine.core import document

    found = import_augmentation(options.file, image_keys(options), options.white)
    print(document.dump({"augmentation": found.steps}), end="")
    for warning in found.warnings:
        warn(one_line(str(warning)))
    return OK
