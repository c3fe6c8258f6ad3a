"""Presets trained on real data, start to end through the shell; prints a line of a Markdown table for results.md.

python benchmarks/real_data.py pneumonia ../shared/data/pneumoniamnist.npz [--seed=1 ...]
python benchmarks/real_data.py membrane ../shared/data/membrane_em [--training.stages=... ...]
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FUSE = [sys.executable, "-m", "fuse_engine.cli"]


def pneumonia(folder: Path, source: Path) -> str:
    shutil.copy(source, folder / "pneumoniamnist.npz")
    return "medmnist_pneumonia"


def membrane(folder: Path, source: Path) -> str:
    with (folder / "membranes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "label"])
        for image in sorted((source / "image").glob("*.png")):
            writer.writerow([image.stem, image, source / "label" / image.name])
    return "membrane_segmentation"


def main(name: str, source: Path, overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        preset = {"pneumonia": pneumonia, "membrane": membrane}[name](folder, source.resolve())
        subprocess.run(
            [*FUSE, "new", preset, "experiment.yaml"], cwd=folder, check=True, stdout=subprocess.DEVNULL
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
    print(f"| {' '.join([preset, *overrides])} | {part} | {values} | {how} |")


def show(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {show(item)}" for key, item in value.items()) + ")"
    return f"{value:.4f}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
