"""`fuse-gui catalog`: which components there are."""

from __future__ import annotations

import argparse
import sys

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json
from fuse_engine.cli.printing import print_json

EXAMPLES = """\
  fuse-gui catalog
  fuse-gui catalog loss
  fuse-gui catalog --components my_losses.py --json
  fuse-gui catalog | cut -f2 | sort
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "catalog", "list components: kind, name, sentence", EXAMPLES, run)
    parser.add_argument("kind", metavar="KIND", nargs="?", help="processor, augmentation, backbone, loss, ...")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print one line a component, separated by tabs."""
    from fuse_engine.core.errors import FuseError, nearest
    from fuse_engine.core.registry import KINDS
    from fuse_engine.service.client import Engine

    if options.kind and options.kind not in KINDS:
        expected = f"one of {', '.join(KINDS)}"
        raise FuseError(f"no kind '{options.kind}'", expected=expected, nearest=nearest(options.kind, KINDS))
    engine = Engine()
    try:
        catalog = engine.catalog()
    finally:
        engine.close()
    entries = [entry for entry in catalog.entries if options.kind in (None, entry.kind)]
    if options.json:
        print_json([entry.model_dump(mode="json") for entry in entries])
    else:
        for entry in entries:
            print(entry.kind, entry.name, entry.sentence, sep="\t")
    for name, reason in catalog.broken.items():
        print(f"warning: {name} is left out: {reason}", file=sys.stderr)
    return OK
