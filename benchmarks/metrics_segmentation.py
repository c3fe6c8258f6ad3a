"""Surface distances and Dice beside MONAI, SimpleITK and DeepMind's surface-distance; prints lines for results.md.

OMP_NUM_THREADS=1 PYTHONPATH=/path/to/surface-distance python benchmarks/metrics_segmentation.py [rounds]

Everyone gets what it asks for (label maps, one-hot tensors, masks, SimpleITK images) ready in memory, so that only
the measuring is timed; CPU ms, all in turn in every round, median of the rounds. `surface-distance` comes from
PyPI and is left out where it is not installed.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.core.geometry import Geometry
from fuse_engine.metrics import Dice, Hausdorff, MeanSurfaceDistance
from fuse_engine.metrics.kernels.counts import joint_histogram
from fuse_engine.metrics.segmentation.distances import structures

CLINIC = (2.5, 0.8, 0.8)
CENTRES = ((0.3, 0.3, 0.3), (0.3, 0.7, 0.6), (0.7, 0.3, 0.7), (0.7, 0.7, 0.3))
Map = NDArray[np.uint8]
Work = dict[str, Callable[[], Any]]


def organs(shape: tuple[int, ...], radius: float, seed: int, labels: int) -> tuple[Map, Map]:
    """Return a label map of rough ellipsoids and a prediction that is off by some pixels, rougher still."""
    rng = np.random.default_rng(seed)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    maps = []
    for shift, rough in ((0.0, 0.25), (0.012, 0.3)):
        noise = ndimage.zoom(rng.normal(size=[n // 8 for n in shape]), 8, order=1)
        found = np.zeros(shape, np.uint8)
        for label in range(labels):
            centre = CENTRES[label] if labels > 1 else (0.5, 0.5, 0.5)
            away = sum(((g / n - c - shift) / radius) ** 2 for g, n, c in zip(grid, shape, centre, strict=True))
            found[away + rough * noise < 1] = label + 1
        maps.append(found)
    return maps[0], maps[1]


def timed(work: Work, rounds: int) -> dict[str, float]:
    """Return the median CPU ms of each, all in turn in every round; the first round only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, call in work.items():
            start = time.process_time()
            call()
            if number:
                taken[name].append((time.process_time() - start) * 1e3)
    return {name: statistics.median(values) for name, values in taken.items()}


def show(title: str, work: Work, rounds: int) -> None:
    found = timed(work, rounds)
    ours = next(iter(found.values()))
    print(f"\n| {title} | CPU ms | times ours |\n|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:,.1f} | {value / ours:.1f} |")


def image(label: Map, spacing: tuple[float, ...]) -> sitk.Image:
    found = sitk.GetImageFromArray(label)
    found.SetSpacing(tuple(reversed(spacing)))
    return found


def itk_ways(truth: sitk.Image, found: sitk.Image) -> list[NDArray[Any]]:
    """Return both lists of surface distances, as InnerEye makes them."""
    ways = []
    for start, goal in ((found, truth), (truth, found)):
        away = sitk.Abs(sitk.SignedMaurerDistanceMap(goal, squaredDistance=False, useImageSpacing=True))
        edge = sitk.LabelContour(start)  # kept, as a view does not keep it
        ways.append(sitk.GetArrayViewFromImage(away)[sitk.GetArrayViewFromImage(edge) > 0])
    return ways


def one_structure(rounds: int) -> None:
    truth, found = organs((144, 512, 512), 0.2, 0, 1)
    images = image(truth, CLINIC), image(found, CLINIC)

    def ours() -> tuple[float, float]:
        structure = next(structures(truth, found, [1], CLINIC))
        return structure.hausdorff(), float(np.concatenate(structure.surfaces()).mean())

    def itk() -> tuple[float, float]:
        measured = sitk.HausdorffDistanceImageFilter()
        measured.Execute(*images)
        return measured.GetHausdorffDistance(), float(np.concatenate(itk_ways(*images)).mean())

    pred = torch.nn.functional.one_hot(torch.from_numpy(found).long()[None], 2).movedim(-1, 1).float().contiguous()
    target, place = torch.from_numpy(truth).long()[None, None], [Geometry.plain(truth.shape, CLINIC)]
    keys = {"pred": "model.output.head", "target": "data.gt.target"}
    metrics = Hausdorff(**keys), MeanSurfaceDistance(**keys)
    show(
        f"Hausdorff + mean surface distance, {int(truth.sum()):,} pixels in 144 x 512 x 512",
        {
            "**ours**, from label maps": ours,
            "ours, both metrics from probabilities": lambda: [m.collect(pred, target, place) for m in metrics],
            "SimpleITK, whole volume (InnerEye's way)": itk,
        },
        rounds,
    )
    (far, mean), (itk_far, itk_mean) = ours(), itk()
    print(f"\nOurs {far:.6f} and {mean:.6f} mm, SimpleITK {itk_far:.6f} and {itk_mean:.6f} mm.")


def four_labels(rounds: int) -> None:
    truth, found = organs((256,) * 3, 0.18, 1, 4)
    hot = [
        torch.nn.functional.one_hot(torch.from_numpy(item).long()[None], 5).movedim(-1, 1).contiguous()
        for item in (found, truth)
    ]
    masks = [(truth == label, found == label) for label in range(1, 5)]
    images = [(image(a.astype(np.uint8), (1, 1, 1)), image(b.astype(np.uint8), (1, 1, 1))) for a, b in masks]

    def figures(there: NDArray[Any], back: NDArray[Any]) -> tuple[float, float, float]:
        every = np.concatenate([there, back])
        return max(np.percentile(there, 95), np.percentile(back, 95)), every.mean(), (every <= 1).mean()

    def monai() -> Any:
        return (
            compute_hausdorff_distance(*hot, percentile=95, spacing=1.0),
            compute_average_surface_distance(*hot, symmetric=True, spacing=1.0),
            compute_surface_dice(*hot, class_thresholds=[1.0] * 4, spacing=1.0),
        )

    work: Work = {
        "**ours**": lambda: [
            figures(*item.surfaces()) for item in structures(truth, found, range(1, 5), (1.0,) * 3)
        ],
        "MONAI": monai,
        "SimpleITK, whole volume": lambda: [figures(*itk_ways(*pair)) for pair in images],
    }
    if find_spec("surface_distance"):
        import surface_distance as deepmind

        def surfaces() -> None:
            for pair in masks:
                way = deepmind.compute_surface_distances(*pair, (1, 1, 1))
                deepmind.compute_robust_hausdorff(way, 95)
                deepmind.compute_average_surface_distance(way)
                deepmind.compute_surface_dice_at_tolerance(way, 1)

        work["DeepMind surface-distance"] = surfaces
    show("HD95 + mean surface distance + surface Dice, 4 labels, 256³", work, rounds)


def dice(rounds: int) -> None:
    truth, found = organs((256,) * 3, 0.18, 1, 4)
    tensors = [torch.from_numpy(item) for item in (truth, found)]
    hot = [
        torch.nn.functional.one_hot(item.long()[None], 5).movedim(-1, 1).contiguous() for item in reversed(tensors)
    ]
    images = image(truth, (1, 1, 1)), image(found, (1, 1, 1))
    metric = Dice(pred="model.output.head", target="data.gt.target")
    pred, target = hot[0].float(), tensors[0].long()[None, None]

    def ours() -> list[float]:
        table = np.zeros((256, 256), np.int64)
        joint_histogram(truth.reshape(-1), found.reshape(-1), table)
        hit, sizes = np.diagonal(table), table.sum(0) + table.sum(1)
        return (2 * hit[1:5] / sizes[1:5]).tolist()

    def itk() -> list[float]:
        measured = sitk.LabelOverlapMeasuresImageFilter()
        measured.Execute(*images)
        return [measured.GetDiceCoefficient(label) for label in range(1, 5)]

    show(
        "Dice, 4 labels, 256³",
        {
            "**ours**, from label maps": ours,
            "ours, the metric from probabilities of 5 classes": lambda: metric.collect(pred, target),
            "MONAI, from one-hot tensors": lambda: compute_dice(*hot, include_background=False),
            "SimpleITK LabelOverlap": itk,
            "numpy, a mask a label": lambda: [
                2
                * np.count_nonzero((truth == k) & (found == k))
                / (np.count_nonzero(truth == k) + np.count_nonzero(found == k))
                for k in range(1, 5)
            ],
            "torch bincount": lambda: torch.bincount(
                tensors[0].flatten().int() * 5 + tensors[1].flatten(), minlength=25
            ),
        },
        rounds,
    )
    assert np.allclose(ours(), itk())


if __name__ == "__main__":
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    dice(count)
    four_labels(count)
    one_structure(max(1, count // 2))
