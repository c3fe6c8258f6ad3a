"""Processes every sample once, so that training finds them all in the cache, and says which cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import RunError, SampleError, nearest
from fuse_engine.data.processors.columns import Label
from fuse_engine.data.split import PARTS
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.loading import Bad, Items, Loader, plain_batches


def create(
    assembly: Assembly,
    ids: Sequence[str] | None = None,
    workers: int = 0,
    each: Callable[[int, int], None] = lambda done, total: None,
) -> list[Bad]:
    """Process the samples of `ids`, or all; return those that cannot be used, each with step and reason.

    `each` is told after every sample how many are done, of how many; what is stopped half-way goes on from there.

    Raises:
        RunError: for an unknown id, or when a loader dies.
    """
    chosen = list(assembly.cohort.ids if ids is None else ids)
    if unknown := [name for name in chosen if name not in assembly.cohort]:
        raise RunError(f"no sample '{unknown[0]}'", nearest=nearest(unknown[0], assembly.cohort.ids))
    bad: list[Bad] = []
    loader = Loader(Items(assembly.dataset), plain_batches(chosen, 1), workers, 1)
    with closing(iter(loader)) as loading:
        for done, loaded in enumerate(loading, 1):
            bad += loaded.bad
            each(done, len(chosen))
    return bad


def summary(assembly: Assembly) -> str:
    """Return in words what an experiment trains on: samples, steps, classes, cache and augmentation."""
    experiment, dataset = assembly.experiment, assembly.dataset
    lines = [f"{experiment.name}: {len(dataset)} samples from {experiment.data.source.name}"]
    for key, pipeline in dataset.pipelines.items():
        lines.append(f"{key}: {' -> '.join(step.name() for step in pipeline.steps) or 'no step'}")
    classes = _classes(assembly)
    for part in PARTS:
        positions = assembly.folds.positions(part)
        if positions.size:
            lines.append(f"{part}: {positions.size} samples")
            lines += [
                f"  {key}: {_shares(numbers[positions], names)}" for key, (numbers, names) in classes.items()
            ]
    lines.append(f"cache: {experiment.data.cache.name}")
    lines.append(f"augmentation: {', '.join(spec.name for spec in experiment.augmentation) or 'none'}")
    return "\n".join(lines)


def _classes(assembly: Assembly) -> dict[str, tuple[NDArray[np.int64], Sequence[str]]]:
    """Return the class of every sample and the names of the classes, by key; only what one Label step makes."""
    found: dict[str, tuple[NDArray[np.int64], Sequence[str]]] = {}
    for key, pipeline in assembly.dataset.pipelines.items():
        label = next((step for step in pipeline.steps if isinstance(step, Label)), None)
        if label is None or len(pipeline.steps) > 1:
            continue
        try:
            found[key] = assembly.dataset.classes(key).numbers, label.classes
        except SampleError:
            continue  # `create` lists the samples whose cells name no class, all of them
    return found


def _shares(numbers: NDArray[np.int64], names: Sequence[str]) -> str:
    counts = np.bincount(numbers, minlength=len(names))
    return ", ".join(
        f"{name} {count} ({count / numbers.size:.1%})" for name, count in zip(names, counts, strict=True)
    )
