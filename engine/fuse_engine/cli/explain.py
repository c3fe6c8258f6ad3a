"""`fuse-gui explain`: where a trained run looks."""

from __future__ import annotations

import argparse
from pathlib import Path

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json, add_run
from fuse_engine.cli.printing import print_json
from fuse_engine.cli.runs import find

EXAMPLES = """\
  fuse-gui explain 20260102-030405-abcdef --sample p017
  fuse-gui explain 20260102-030405-abcdef --sample p017 --head classifier --target 1 --output heat.nii.gz
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "explain", "write a heatmap of where a run looks", EXAMPLES, run)
    add_run(parser)
    parser.add_argument("--sample", required=True, metavar="ID", help="id of the sample")
    parser.add_argument("--checkpoint", default="best", metavar="NAME", help="best (default), last, best1, ...")
    parser.add_argument("--head", metavar="NAME", help="head to explain; the first one where not given")
    parser.add_argument(
        "--target", type=int, metavar="CLASS", help="class to explain; the run's answer where not given"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="image file (default: in the run's analysis)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write the heatmap on the grid of the network's input."""
    folder = find(options.run)
    if options.output and not options.output.parent.is_dir():
        from fuse_engine.core.errors import FuseError

        raise FuseError(f"no folder {options.output.parent}", source="command line '--output'")
    from fuse_engine.data.image import write_image
    from fuse_engine.run.explain import explain
    from fuse_engine.run.infer import safe_name

    heat = explain(folder, options.sample, options.head, options.target, checkpoint=options.checkpoint)
    name = f"heat-{safe_name(options.sample)}-{heat.head}-{heat.target}.nii.gz"
    path = options.output or folder.analysis / name
    write_image(path, heat.image)
    if options.json:
        print_json({"heat": str(path), "head": heat.head, "target": heat.target, "cell_mm": list(heat.cell_mm)})
    else:
        cell = " x ".join(f"{size:.3g}" for size in heat.cell_mm)
        print(f"{path}  ({heat.head}, class {heat.target}, one cell is {cell} mm)")
    return OK
