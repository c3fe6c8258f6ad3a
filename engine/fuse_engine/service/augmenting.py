"""What an augmentation does to a sample: exactly what training will see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from fuse_engine.augment import Augmentation, Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.data.collate import to_leaves
from fuse_engine.data.image import Image
from fuse_engine.service.opened import open_browsed, open_experiment, read_sample
from fuse_engine.service.pictures import Picture, picture, picture_of
from fuse_engine.service.work import Work


def augment(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    epoch: int,
    seed: int,
) -> dict[str, Any]:
    """Return all images of a sample before and after augmentation in an epoch, and what was drawn.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    opened = open_experiment(experiment, folder)
    before = read_sample(work, open_browsed(opened), id)
    work.check()
    augmenter = Augmenter(augmentations(opened), seed)
    tensors = NestedDict(to_leaves(before))
    applied = augmenter.draw(tensors, epoch)
    work.check()
    after = augmenter.apply(tensors, applied)
    images = [key for key in before if isinstance(before[key], Image)]
    return {
        "before": {key: picture(before[key]) for key in images},
        "after": {key: _augmented(after, key, before[key]) for key in images},
        "applied": [asdict(item) for item in applied],
    }


def augmentations(experiment: Experiment) -> list[Augmentation]:
    """Return the typed augmentations of an experiment in order; nothing else of it need be right."""
    return [
        cast(Augmentation, component("augmentation", spec, ("augmentation", index), experiment))
        for index, spec in enumerate(experiment.augmentation)
    ]


def _augmented(after: NestedDict, key: str, before: Image) -> Picture:
    return picture_of(after[key], before.geometry, before.label)
