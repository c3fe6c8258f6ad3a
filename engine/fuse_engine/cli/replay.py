"""`fuse-gui replay`: a sample as a run trained on it."""

from __future__ import annotations

import argparse
from pathlib import Path

from fuse_engine.cli.options import OK, Subparsers, add_command, add_json, add_run
from fuse_engine.cli.printing import print_json, warn
from fuse_engine.cli.runs import find

EXAMPLES = """\
  fuse-gui replay 20260102-030405-abcdef --epoch 3 --sample s07 --out s07.nii.gz
  fuse-gui replay 20260102-030405-abcdef --epoch 3 --sample s07 --key data.gt.segmentation --out mask.nii.gz
  fuse-gui replay runs/ct/20260102-030405-abcdef --epoch 0 --sample 's07#2' --out patch.nii.gz
"""


def add(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentence = "write a sample exactly as a run trained on it, and what was drawn"
    parser = add_command(subparsers, "replay", sentence, EXAMPLES, run)
    add_run(parser)
    parser.add_argument(
        "--epoch", type=int, required=True, metavar="E", help="epoch, from 0 as in metrics.csv and events.jsonl"
    )
    parser.add_argument("--sample", required=True, metavar="ID", help="id of a sample, or of a patch: ID#NUMBER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="image to write, e.g. f.nii.gz")
    parser.add_argument("--key", metavar="KEY", help="image or label map (default: the first input image)")
    parser.add_argument("--force", action="store_true", help="write over FILE")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write the image, and print what was done to the sample."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.data.image import write_image
    from fuse_engine.run.replay import Replay, drawn, image_of

    path: Path = options.out
    if path.exists() and not options.force:
        raise FuseError(f"{path} is there already", expected="another name, or --force")
    if not path.parent.is_dir():
        raise FuseError(f"no folder {path.parent}")
    folder = find(options.run)
    replay = Replay.of(folder)
    sample = replay.sample(options.sample, options.epoch)
    write_image(path, image_of(sample, options.key))
    trained = replay.trained(options.sample, options.epoch)
    if not trained:
        warn(f"'{options.sample}' was in no batch of epoch {options.epoch}; this is what it would have been")
    if doubts := replay.doubts(folder):
        warn(f"perhaps not bit for bit: {', '.join(doubts)}")
    if options.json:
        print_json({"file": str(path), "trained": trained, "applied": drawn(sample)})
        return OK
    print(path)
    for item in drawn(sample):
        print(item["step"], item["name"], "not applied" if item["params"] is None else item["params"], sep="\t")
    return OK
