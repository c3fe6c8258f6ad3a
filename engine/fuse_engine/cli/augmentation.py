"""`fuse-gui augmentation`: the lists of augmentations that come with the program."""

from __future__ import annotations

import argparse

from fuse_engine.cli.image_keys import add_image_keys, image_keys
from fuse_engine.cli.options import OK, Subparsers, add_command

EXAMPLES = """\
  fuse-gui augmentation
  fuse-gui augmentation nnunet --dims 3 --label data.gt.segmentation
  fuse-gui augmentation fusemedml --experiment mammography.yaml
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "list ready augmentations, or print one for an experiment"
    parser = add_command(subparsers, "augmentation", sentence, EXAMPLES, run)
    parser.add_argument("preset", metavar="PRESET", nargs="?", help="name of a list; without it they are listed")
    add_image_keys(parser)


def run(options: argparse.Namespace) -> int:
    """Print one line a list, or the section of an experiment."""
    from fuse_engine.core import document
    from fuse_engine.core.augmentation_presets import augmentation_preset, augmentation_presets

    if options.preset is None:
        for preset in augmentation_presets().values():
            print(preset.name, preset.title, preset.sentence, sep="\t")
        return OK
    preset = augmentation_preset(options.preset)
    print(document.dump({"augmentation": preset.steps(image_keys(options))}), end="")
    return OK
