"""How fast the worker answers the builder after an edit: the graph with shapes, costs and problems.

    python benchmarks/builder_check.py

Prints wall and CPU milliseconds of the worker, median and largest: the preset with most parts, a 3-D network of
128 x 192 x 192, and the largest backbones. Every request is an edit that was not asked before.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image, write_image
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment

ROUNDS = 10
HEAD = ("model", "MultiHead", "heads", "classifier", "GlobalPoolingClassifier", "layers")


def flat(folder: Path, backbone: dict[str, Any]) -> Experiment:
    """Return an experiment of two heads on images of 256 x 256."""
    tiny = tiny_experiment(folder, size=256)
    return tiny.changed(("model", "MultiHead", "backbone"), backbone)


def volume(folder: Path, network: dict[str, Any]) -> Experiment:
    """Return an experiment of a network on volumes of 128 x 192 x 192."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    grid = Geometry.plain((128, 192, 192), (2.0, 1.0, 1.0))
    rows = ["id,image,mask"]
    for number in range(5):
        write_image(folder / f"i{number}.mha", Image(rng.random((1, 128, 192, 192), np.float32), grid))
        mask = np.zeros((1, 128, 192, 192), np.uint8)
        mask[:, 40:60, 40:60, 40:60] = 1
        write_image(folder / f"m{number}.mha", Image(mask, grid))
        rows.append(f"s{number},i{number}.mha,m{number}.mha")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    keys = {"pred": "model.logits.organ", "target": "data.gt.organ"}
    data = {
        "name": "volume",
        "data": {
            "source": {"Table": {"path": "cohort.csv"}},
            "input": {"image": [{"LoadImage": {"column": "image"}}]},
            "gt": {"organ": [{"LoadImage": {"column": "mask", "label": "true"}}]},
            "cache": {"Off": {}}, "batch": {"size": "2"},
        },
        "model": {"Wrap": {"inputs": ["data.input.image"], "network": network, "output": "organ"}},
        "losses": {"dice": {"Dice": keys}, "cross": {"SegmentationCrossEntropy": keys}},
        "metrics": {"dice": {"Dice": {"pred": "model.output.organ", "target": "data.gt.organ"}}},
    }  # fmt: skip
    (folder / "volume.yaml").write_text(json.dumps(data), encoding="utf-8")
    return Experiment.load(folder / "volume.yaml")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = Engine()
        try:
            for title, made in {
                "ResNet 18, two heads, 256 x 256": flat(folder / "a", {"ResNet": {}}),
                "Inception-ResNet V2, two heads (as `mammography`)": flat(folder / "f", {"InceptionResNetV2": {}}),
                "ResNet 152, two heads": flat(folder / "b", {"ResNet": {"depth": 152}}),
                "NASNet Large, two heads": flat(folder / "c", {"NASNetLarge": {}}),
                "3-D U-Net, 128 x 192 x 192": volume(folder / "d", {"UNet": {}}),
                "3-D SegResNet, 128 x 192 x 192": volume(folder / "e", {"SegResNet": {}}),
            }.items():
                measure(engine, title, made)
        finally:
            engine.close()


def measure(engine: Engine, title: str, made: Experiment) -> None:
    """Print the first and the later times of one experiment."""

    def ask(edited: Experiment) -> dict[str, Any]:
        text = json.dumps(edited.to_data())
        return engine.request("graph", experiment=text, folder=str(made.folder)).result(300)

    start = time.perf_counter()
    found = ask(made)
    first = time.perf_counter() - start
    assert not found["problems"], found["problems"]
    worker = psutil.Process(engine.pid)
    for kind, edits in (("model", [_model(made, n) for n in range(ROUNDS)]),
                        ("loss", [_loss(made, n) for n in range(ROUNDS)])):  # fmt: skip
        walls, cpus = [], []
        for edited in edits:
            times, begin = worker.cpu_times(), time.perf_counter()
            ask(edited)
            walls.append(1e3 * (time.perf_counter() - begin))
            after = worker.cpu_times()
            cpus.append(1e3 * (after.user + after.system - times.user - times.system))
        print(
            f"{title:34} {kind:5} wall {np.median(walls):6.0f} {max(walls):6.0f}  cpu {np.median(cpus):6.0f} "
            f"{max(cpus):6.0f}  first {first:.1f} s", flush=True,
        )  # fmt: skip


def _model(made: Experiment, number: int) -> Experiment:
    if made.model.name == "Wrap":
        return made.changed(("model", "Wrap", "classes"), 3 + number)
    place = (*HEAD[:-2], "GlobalPoolingClassifier")
    fields = {"classes": 2, "tabular": ["data.input.clinical"], "layers": [128 + number]}
    return made.changed(place, fields)


def _loss(made: Experiment, number: int) -> Experiment:
    name = next(iter(made.losses))
    return made.changed(("losses", name, made.losses[name].name, "weight"), 0.1 + number / 10)


if __name__ == "__main__":
    main()
