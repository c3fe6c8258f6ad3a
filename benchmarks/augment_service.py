"""How fast the worker answers the augmentation debugger: planes, sheets, whole samples, draws.

    python benchmarks/augment_service.py [2d|3d] [first]

Prints wall and CPU milliseconds of the worker: median, 95th percentile. Every request changes a parameter, as a
drag does. `first` puts the steps that change values before those that move.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from scipy import ndimage

from fuse_engine.core.document import Document, parse
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image, write_image
from fuse_engine.service.client import Engine

IMAGE, MASK = "data.input.image", "data.gt.mask"
BOTH = [IMAGE, MASK]
ROUNDS = 30


def experiment(folder: Path, shape: tuple[int, ...], order: str) -> Experiment:
    """Write one sample with five spheres as labels, and return the experiment."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random(shape, dtype=np.float32), 3)
    image = (image - image.min()) / (image.max() - image.min())
    labels = np.zeros(shape, np.uint8)
    at = np.indices(shape, sparse=True)
    for number in range(1, 6):
        centre = [size * (0.2 + 0.12 * number) for size in shape]
        near = sum((axis - middle) ** 2 for axis, middle in zip(at, centre, strict=True))
        labels[near < (min(shape) * 0.1) ** 2] = number
    grid = Geometry.plain(shape, (2.0, 1.0, 1.0)[-len(shape) :])
    write_image(folder / "image.mha", Image(image[None], grid))
    write_image(folder / "mask.mha", Image(labels[None], grid))
    (folder / "cohort.csv").write_text("id,image,mask\na,image.mha,mask.mha\n", encoding="utf-8")
    moves: list[Any] = [
        {"Flip": {"keys": BOTH, "axes": ["x", "y"]}},
        {"Affine": {"keys": BOTH, "rotate": [-15, 15], "scale": [0.9, 1.1], "translate": [-0.05, 0.05]}},
        {"Elastic": {"keys": BOTH}},
    ]
    values: list[Any] = [
        {"Gamma": {"keys": [IMAGE], "gamma": [0.8, 1.25]}}, {"GaussianNoise": {"keys": [IMAGE]}},
        {"Blur": {"keys": [IMAGE], "sigma": [0.5, 1.0]}},
    ]  # fmt: skip
    data = {
        "name": "speed",
        "data": {
            "source": {"Table": {"path": "cohort.csv"}},
            "input": {"image": [{"LoadImage": {"column": "image"}}]},
            "gt": {"mask": [{"LoadImage": {"column": "mask", "label": "true"}}]},
        },
        "augmentation": values + moves if order == "first" else moves + values,
        "model": {"MultiHead": {}},
    }
    return Experiment.from_document(Document(parse(json.dumps(data)).data), folder)


def main() -> None:
    """Measure and print."""
    flat = "2d" in sys.argv
    shape = (512, 512) if flat else (128, 256, 256)
    with tempfile.TemporaryDirectory() as name:
        made = experiment(Path(name), shape, "first" if "first" in sys.argv else "std")
        engine = Engine()
        try:
            measure(engine, made, flat)
        finally:
            engine.close()


def measure(engine: Engine, made: Experiment, flat: bool) -> None:
    """Print the time of every request."""

    def ask(method: str, number: int = 0, **arguments: Any) -> Any:
        changed = made.to_data()
        for step in changed["augmentation"]:
            if "Gamma" in step:
                step["Gamma"]["gamma"] = [0.8, 1.25 + number / 1000]
        text = json.dumps(changed)
        return engine.request(method, experiment=text, folder=str(made.folder), id="a", **arguments).result(300)

    start = time.perf_counter()
    ask("augment_plane", draw={"seed": 1, "epoch": 0}, axis=0, place=0)
    print(f"first plane, cold worker: {time.perf_counter() - start:.2f} s")
    worker = psutil.Process(engine.pid)
    still = {"seed": 1, "epoch": 0}
    for axis in (0,) if flat else (0, 1, 2):

        def plane(number: int, draw: Any, axis: int = axis) -> None:
            ask("augment_plane", number, draw=draw, axis=axis, place=60)

        report(worker, f"plane, axis {axis}, new draw", lambda n, one=plane: one(n, {"seed": 1, "epoch": n}))
        report(worker, f"plane, axis {axis}, dragged gamma", lambda n, one=plane: one(n, still))
    draws = [{"seed": 1, "epoch": number} for number in range(9)]
    report(worker, "sheet 3 x 3", lambda n: ask("augment_sheet", n, draws=draws, axis=0, place=60), 8)
    report(worker, "steps", lambda n: ask("augment_steps", n, draw=draws[1], axis=0, place=60), 5)
    report(worker, "whole with guards", lambda n: ask("augment", n, draw=draws[n % 9]), 5)
    ask("augment", 0, draw=draws[0])
    report(worker, "plane of the whole", lambda n: ask("augment_plane", 0, draw=draws[0], axis=0, place=n))
    report(worker, "1,000 draws", lambda n: ask("augment_draws", n), 3)
    report(worker, "network", lambda n: ask("augment_network", n, draw=draws[n]), 3)


def report(worker: psutil.Process, name: str, request: Any, rounds: int = ROUNDS) -> None:
    """Print wall and CPU time of a request."""
    walls, cpus = [], []
    for number in range(rounds):
        times, start = worker.cpu_times(), time.perf_counter()
        request(number)
        walls.append(1e3 * (time.perf_counter() - start))
        after = worker.cpu_times()
        cpus.append(1e3 * (after.user + after.system - times.user - times.system))
    wall, cpu = (f"{np.median(each):7.1f} {np.percentile(each, 95):7.1f}" for each in (walls, cpus))
    print(f"{name:32} wall {wall}   cpu {cpu}  mean {np.mean(cpus):7.1f}")


if __name__ == "__main__":
    main()
