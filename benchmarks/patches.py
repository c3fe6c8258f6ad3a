"""Crop centres of a large scan, balanced by class: ours beside MONAI.

OMP_NUM_THREADS=1 python benchmarks/patches.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from monai.transforms import generate_label_classes_crop_centers, map_classes_to_indices

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.data import Image
from fuse_engine.data.patches import ClassIndex, RandomPatches

SHAPE, CLASSES, CROPS, ROUNDS = (144, 512, 512), 6, 200, 5
SIZE = (64, 224, 224)


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median of wall-clock seconds, and what the action returned last."""
    seconds, result = [], None
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return median(seconds), result


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    label = np.zeros(SHAPE, np.uint8)
    for item in range(1, CLASSES):
        z, y, x = (int(rng.integers(0, n - size)) for n, size in zip(SHAPE, (40, 120, 120), strict=True))
        label[z : z + 40, y : y + 120, x : x + 120] = item
    grid = Geometry.plain(SHAPE)
    sample = NestedDict({"data.id": "scan", "data.gt.label": Image(label[None], grid)})
    patches = RandomPatches(size=list(SIZE), per_sample=CROPS, balance="data.gt.label")

    build, index = timed(lambda: ClassIndex.of(label))
    crops, _ = timed(lambda: patches.boxes(sample, stream("benchmark"), lambda name, compute: index))
    print(f"ours:  index {build:.3f} s, {index.ends.nbytes / 1e6:.1f} MB; {CROPS} crops {1000 * crops:.1f} ms")

    tensor = torch.from_numpy(label[None])
    build, indices = timed(lambda: map_classes_to_indices(tensor, CLASSES))
    crops, _ = timed(
        lambda: generate_label_classes_crop_centers(
            list(SIZE), CROPS, list(SHAPE), indices, [1] * CLASSES, np.random.RandomState(0)
        )
    )
    held = sum(item.nbytes for item in indices) / 1e6
    print(f"MONAI: index {build:.3f} s, {held:.1f} MB; {CROPS} crops {1000 * crops:.1f} ms")


if __name__ == "__main__":
    main()
