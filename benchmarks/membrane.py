"""The membrane preset on 24 of the 30 sections, measured on the other six; writes its section of results.md.

python benchmarks/membrane.py ../shared/data/membrane_em [--training.stages=... ...]

The six are fixed and the last of the stack, so that only one section for training lies beside one of them.
Nothing is chosen on them: the preset was made on another division, its training ends where it says, and the last
weights are measured. With options the line is only printed.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from fuse_engine.core.experiment import Experiment
from fuse_engine.run import process

PRESET = "membrane_segmentation"
HELD_OUT = ("24", "25", "26", "27", "28", "29")
FIXED = [
    "--data.source.Table.fold=part", "--data.split={}", "--training.best=[]", "--run.threads=2",
    "--run.device=cpu",
]  # fmt: skip
RESULTS = Path(__file__).with_name("results.md")
TITLE = "## Membranes on a fixed division"


def table(folder: Path, source: Path) -> None:
    with (folder / "membranes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "label", "part"])
        for image in sorted((source / "image").glob("*.png")):
            part = "test" if image.stem in HELD_OUT else "train"
            writer.writerow([image.stem, image, source / "label" / image.name, part])


def measure(source: Path, overrides: list[str]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table(folder, source.resolve())
        start = time.perf_counter()
        run = process.start(Experiment.from_preset(PRESET, [*FIXED, *overrides], folder))
        status = process.wait(run)
        minutes = (time.perf_counter() - start) / 60
        if status.state != "finished":
            raise SystemExit(f"{status.state}: {status.message}")
        found = json.loads((run.analysis / "metrics.json").read_text(encoding="utf-8"))
    if found["samples"] != len(HELD_OUT):
        raise SystemExit(f"{found['samples']} samples were measured, expected the {len(HELD_OUT)} held out")
    cells, membrane = (found["metrics"]["dice"][name] for name in ("0", "1"))
    return f"| `{' '.join([PRESET, *overrides])}` | **{cells:.3f}** | **{membrane:.3f}** | {minutes:.1f} |"


def written(line: str) -> None:
    section = (
        f"{TITLE}\n\n`python benchmarks/membrane.py ../shared/data/membrane_em`: 30 electron-microscopy images of "
        f"512 x 512 (ISBI 2012), 24 to train, sections {HELD_OUT[0]} to\n{HELD_OUT[-1]} held out by a fixed list; "
        "nothing is chosen on them: the preset was made on another division, the last weights are measured.\n\n"
        "| preset | Dice of the cells | Dice of the membrane | minutes, two threads |\n|---|---|---|---|\n"
        f"{line}\n"
    )
    text = RESULTS.read_text(encoding="utf-8")
    if TITLE in text:
        text = re.sub(rf"{re.escape(TITLE)}\n.*?(?=\n## |\Z)", lambda match: section, text, flags=re.DOTALL)
    else:
        text = text.replace("\n## The window while a run trains", f"\n{section}\n## The window while a run trains")
    RESULTS.write_text(text, encoding="utf-8")


def main(source: Path, overrides: list[str]) -> None:
    line = measure(source, overrides)
    print(line)
    if not overrides:
        written(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
