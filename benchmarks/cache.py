"""Cached samples beside MONAI's PersistentDataset and FuseMedML's SamplesCacher: CPU time to fill and to read.

    python benchmarks/cache.py [2d|3d] [--samples N] [--folder DIR]

One process, one thread, all in turn in every round; image (float32) and label map (uint8) end in a batch.
FuseMedML is measured where it is installed; MONAI comes with FuseGUI.
"""

from __future__ import annotations

import argparse
import gc
import random
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset
from fuse_engine.run.loading import Items, Loader, plain_batches

SHAPES = {"2d": (512, 512), "3d": (128, 128, 128)}
BATCH = {"2d": 8, "3d": 4}
FILLS = 5
"""Times that each cache is filled; the first ones take memory that the system has yet to clear for all of them."""
Reader = Callable[[list[str]], None]
"""Brings samples of these ids into batches, in this order."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", nargs="?", choices=list(SHAPES), action="append")
    parser.add_argument("--samples", type=int, help="samples in the cache (default: 96 in 2-D, 24 in 3-D)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where files are written (default: the temporary folder)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    for kind in options.kind if any(options.kind) else SHAPES:
        folder = Path(tempfile.mkdtemp(prefix="fuse-cache-", dir=options.folder))
        try:
            measure(kind, folder, options.samples or {"2d": 96, "3d": 24}[kind], options.rounds)
        finally:
            shutil.rmtree(folder)


def measure(kind: str, folder: Path, count: int, rounds: int) -> None:
    """Print the table of one size."""
    experiment = write_study(folder, SHAPES[kind], count)
    dataset = Dataset.from_experiment(experiment)
    first: dict[str, list[float]] = {name: [] for name in STORES}
    readers: dict[str, Reader] = {}
    for turn in range(FILLS):
        for name in random.Random(turn).sample(list(STORES), len(STORES)):
            readers.pop(name, None)
            shutil.rmtree(folder / name, ignore_errors=True)
            place = folder / name
            cache = experiment.changed(("data", "cache", "Disk", "folder"), str(place))
            fill = STORES[name](Dataset.from_experiment(cache), place, kind)
            if fill is None:
                continue
            start = time.process_time()
            readers[name] = fill()
            first[name].append((time.process_time() - start) / count * 1e3)
    for reader in readers.values():
        reader(list(dataset.ids))  # first use in this process: checksums, maps
    times: dict[str, list[float]] = {name: [] for name in readers}
    order = list(dataset.ids)
    for turn in range(rounds):
        random.Random(turn).shuffle(order)
        for name in random.Random(turn).sample(list(readers), len(readers)):
            gc.collect()
            start = time.process_time()
            readers[name](order)
            times[name].append((time.process_time() - start) / count * 1e3)
    medians = {name: statistics.median(found) for name, found in times.items()}

    def ratio(above: str, below: str) -> float:
        """Compare what was measured in the same round: the machine may be in other use."""
        return statistics.median(a / b for a, b in zip(times[above], times[below], strict=True))

    size = sum(array.nbytes for array in arrays(dataset, dataset.ids[0])) / 1e6
    print(f"\n{kind}: {count} samples of {size:.1f} MB, CPU ms a sample, median of {rounds} rounds\n")
    print("| | first pass | read into a batch | best round | share of the limit | times ours |")
    print("|---|---|---|---|---|---|")
    for name, value in sorted(medians.items(), key=lambda item: item[1]):
        begun = f"{statistics.median(first[name]):.2f}"
        share, against = ratio(LIMIT, name), ratio(name, OURS)
        print(f"| {name} | {begun} | {value:.3f} | {min(times[name]):.3f} | {share:.2f} | {against:.1f} |")


def write_study(folder: Path, shape: tuple[int, ...], count: int) -> Experiment:
    """Write images and label maps, and the experiment that reads them."""
    rng = np.random.default_rng(0)
    lines = ["id,image,mask,finding"]
    for number in range(count):
        pixels = rng.normal(300, 50, shape).astype(np.int16)
        for name, array in (("image", pixels), ("mask", (pixels > 300).astype(np.uint8))):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}{number}.mha"))
        lines.append(f"s{number},image{number}.mha,mask{number}.mha,{'yes' if number % 2 else 'no'}")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = """
data:
  source: {Table: {path: cohort.csv}}
  input: {image: [LoadImage, {IntensityWindow: {window: [0, 600]}}]}
  gt:
    segmentation: [{LoadImage: {column: mask, label: true}}]
    classification: [{Label: {column: finding, classes: ['no', 'yes']}}]
  cache: {Disk: {folder: ours}}
model: None
"""
    return Experiment.from_text(text, folder)


def arrays(dataset: Dataset, id: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:  # noqa: A002
    """Return image and label map of a sample, computed now."""
    row = dataset.cohort.row(id)
    image, label = (dataset.pipelines[key].run(row) for key in ("data.input.image", "data.gt.segmentation"))
    return image.array, label.array  # type: ignore[union-attr]


class Batch:
    """Memory for one batch, used again and again: what every peer is read into."""

    def __init__(self, kind: str) -> None:
        """Make room."""
        self._size = BATCH[kind]
        self._image = torch.zeros(self._size, 1, *SHAPES[kind])
        self._label = torch.zeros(self._size, 1, *SHAPES[kind], dtype=torch.uint8)
        self._at = 0

    def put(self, image: Any, label: Any) -> None:
        """Copy one sample."""
        self._image[self._at].copy_(torch.as_tensor(image))
        self._label[self._at].copy_(torch.as_tensor(label))
        self._at = (self._at + 1) % self._size


LIMIT, OURS = "limit: memory to memory", "FuseGUI, as a run reads it"
Make = Callable[[Dataset, Path, str], "Callable[[], Reader] | None"]


def limit(dataset: Dataset, folder: Path, kind: str) -> Callable[[], Reader]:
    """Copy from arrays in memory."""

    def fill() -> Reader:
        held = {name: tuple(map(torch.tensor, arrays(dataset, name))) for name in dataset.ids}
        batch = Batch(kind)
        return lambda ids: [batch.put(*held[name]) for name in ids][:0] and None

    return fill


def as_run(dataset: Dataset, folder: Path, kind: str) -> Callable[[], Reader]:
    """Go the whole way of a run: dataset, cache, collate, loader."""
    items = Items(dataset)

    def read(ids: list[str]) -> None:
        with closing(iter(Loader(items, plain_batches(ids, BATCH[kind]), 0, BATCH[kind]))) as batches:
            for loaded in batches:
                assert not loaded.bad
                del loaded  # as a run does

    def fill() -> Reader:
        for name in dataset.ids:
            items[-1, name]
        return read

    return fill


def persistent(dataset: Dataset, folder: Path, kind: str) -> Callable[[], Reader]:
    """Read with MONAI's PersistentDataset, plain tensors, into the memory that all peers are read into."""

    def fill() -> Reader:
        kept, place, batch = monai_cache(dataset, folder), positions(dataset), Batch(kind)

        def read(ids: list[str]) -> None:
            for name in ids:
                sample = kept[place[name]]
                batch.put(sample["image"], sample["label"])

        return read

    return fill


def persistent_batches(dataset: Dataset, folder: Path, kind: str) -> Callable[[], Reader]:
    """Read with MONAI's PersistentDataset through MONAI's DataLoader, as its users do."""
    from monai.data import DataLoader

    def fill() -> Reader:
        kept, place = monai_cache(dataset, folder), positions(dataset)

        def read(ids: list[str]) -> None:
            batches = [
                [place[name] for name in ids[at : at + BATCH[kind]]] for at in range(0, len(ids), BATCH[kind])
            ]
            for loaded in DataLoader(kept, batch_sampler=batches, num_workers=0):
                del loaded

        return read

    return fill


def monai_cache(dataset: Dataset, folder: Path) -> Any:
    """Return MONAI's dataset with every sample in its cache."""
    from monai.data import PersistentDataset
    from monai.transforms import Compose, Transform

    class Load(Transform):  # type: ignore[misc]
        def __call__(self, data: dict[str, str]) -> dict[str, Any]:
            image, label = arrays(dataset, data["id"])
            return {"image": torch.tensor(image), "label": torch.tensor(label)}

    kept = PersistentDataset([{"id": name} for name in dataset.ids], Compose([Load()]), folder)
    for index in range(len(dataset)):
        kept[index]
    return kept


def positions(dataset: Dataset) -> dict[str, int]:
    """Return the place of every sample by id."""
    return {name: index for index, name in enumerate(dataset.ids)}


def samples_cacher(dataset: Dataset, folder: Path, kind: str) -> Callable[[], Reader] | None:
    """Read with FuseMedML's SamplesCacher, its audits off."""
    try:
        from fuse.data.datasets.caching.samples_cacher import SamplesCacher
        from fuse.data.ops.op_base import OpBase
        from fuse.data.pipelines.pipeline_default import PipelineDefault
        from fuse.data.utils.sample import get_sample_id
    except ImportError as error:
        print(f"FuseMedML is left out: {error}")
        return None

    class Load(OpBase):  # type: ignore[misc]
        def __call__(self, sample_dict: Any, **kwargs: Any) -> Any:
            image, label = arrays(dataset, get_sample_id(sample_dict))
            sample_dict["data.image"], sample_dict["data.label"] = image, label
            return sample_dict

    def fill() -> Reader:
        pipeline = PipelineDefault("load", [(Load(), {})])
        kept = SamplesCacher(
            "samples", pipeline, [str(folder)], workers=0, audit_first_sample=False, audit_rate=None
        )
        kept.cache_samples(list(dataset.ids))
        batch = Batch(kind)

        def read(ids: list[str]) -> None:
            for name in ids:
                sample = kept.load_sample(name)
                batch.put(sample["data.image"], sample["data.label"])

        return read

    return fill


STORES: dict[str, Make] = {
    LIMIT: limit, OURS: as_run, "MONAI PersistentDataset": persistent,
    "MONAI PersistentDataset, its own DataLoader": persistent_batches,
    "FuseMedML 0.4.1 SamplesCacher": samples_cacher,
}  # fmt: skip


if __name__ == "__main__":
    main()
