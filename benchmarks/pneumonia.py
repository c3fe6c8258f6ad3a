"""The pneumonia preset trained on real data through the shell; prints a line of a Markdown table for results.md.

python benchmarks/pneumonia.py ../shared/data/pneumoniamnist.npz [--seed=1 ...]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FUSE = [sys.executable, "-m", "fuse_engine.cli"]
PRESET = "medmnist_pneumonia"


def main(source: Path, overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(source, folder / "pneumoniamnist.npz")
        subprocess.run(
            [*FUSE, "new", PRESET, "experiment.yaml"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        start = time.perf_counter()
        subprocess.run([*FUSE, "train", "experiment.yaml", *overrides], cwd=folder, check=True)
        minutes = (time.perf_counter() - start) / 60
        (metrics,) = folder.glob("runs/*/*/analysis/metrics.json")
        found = json.loads(metrics.read_text())
        environment = json.loads((metrics.parents[1] / "environment.json").read_text())
    values = ", ".join(f"{key} {show(value)}" for key, value in found["metrics"].items())
    how = f"{minutes:.1f} min ({environment['precision']}, {environment['threads']} thread(s))"
    part = f"{found['samples']} {found['part']}"
    print(f"| {' '.join([PRESET, *overrides])} | {part} | {values} | {how} |")


def show(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {show(item)}" for key, item in value.items()) + ")"
    return f"{value:.4f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
