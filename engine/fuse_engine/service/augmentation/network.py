"""What a network is given of a sample: cut, augmented, put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from fuse_engine.augment import Augmentation
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.data.collate import collate, to_leaves
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fit import fit_experiment
from fuse_engine.data.patches import PatchDataset, Patches
from fuse_engine.run.compute import tensors_on
from fuse_engine.service.augmentation.subject import Draw, augmentations, drawn
from fuse_engine.service.opened import Recent, open_cohort, open_dataset, open_experiment
from fuse_engine.service.work import Work


def augment_network(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draw: Draw,
) -> dict[str, Any]:
    """Return the tensors that the network is given of one sample, by key.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for a step with wrong arguments.
        FuseError: when the samples cannot be divided, or what a step learns cannot be learned.
    """
    opened = open_experiment(experiment, folder)
    dataset, steps = _fitted(opened), augmentations(opened)
    work.check()
    items = [_augmented(work, steps, leaves, draw) for leaves in _parts(opened, dataset, id, draw)]
    batch = tensors_on(collate(items), torch.device("cpu"))
    cut = opened.data.patches.name if opened.data.patches else ""
    return {"tensors": {key: _facts(value, cut, key) for key, value in batch.items() if isinstance(value, Tensor)}}


_datasets: Recent[tuple[Dataset, Dataset]] = Recent(2)


def _fitted(experiment: Experiment) -> Dataset:
    """Return the dataset with what its steps learn from the training samples, also for those left out."""
    plain = open_dataset(experiment)

    def make() -> tuple[Dataset, Dataset]:
        learned = fit_experiment(experiment, open_cohort(experiment))
        return plain, Dataset.from_experiment(learned, open_cohort(experiment, whole=True))

    # the pair keeps the plain dataset alive, so the number stays its own
    return _datasets.get(id(plain), make)[1]


def _parts(experiment: Experiment, dataset: Dataset, name: str, draw: Draw) -> Iterator[NestedDict]:
    """Go over what is augmented: the sample, or its patches."""
    spec = experiment.data.patches
    if spec is None:
        yield NestedDict(to_leaves(dataset.sample(name)))
        return
    cutter = cast(Patches, component("patches", spec, ("data", "patches"), experiment))
    seed, epoch = int(draw.get("seed", experiment.seed)), int(draw.get("epoch", 0))
    # a dataset of its own, as one that is used for patches keeps to the files as they were
    for patch in PatchDataset(replace(dataset), cutter, seed).each(name, epoch):
        yield NestedDict(to_leaves(patch))


def _augmented(work: Work, steps: Sequence[Augmentation], leaves: NestedDict, draw: Draw) -> NestedDict:
    work.check()
    augmenter, applied = drawn(steps, leaves, draw)
    return augmenter.apply(leaves, applied)


def _facts(tensor: Tensor, cut: str, key: str) -> dict[str, Any]:
    array = tensor.contiguous().numpy()
    shape = list(array.shape)
    words = [f"{shape[0]} patches by {cut}" if cut else "a batch of this sample alone"]
    if key.startswith("data.input.") and array.ndim > 2:
        words.append(f"mean {array.mean(dtype=float):.4g}, standard deviation {array.std(dtype=float):.4g}")
    if not tensor.isfinite().all():
        words.append("holds values that are not finite: training passes over this sample")
    return {
        "array": array, "shape": shape, "dtype": str(array.dtype), "low": float(array.min()),
        "high": float(array.max()), "note": "; ".join(words),
    }  # fmt: skip
