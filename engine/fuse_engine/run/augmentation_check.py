"""Whether every augmentation can be drawn for a sample, before training comes upon one that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from fuse_engine.augment import Augmentation, Augmenter
from fuse_engine.augment.combine import Combination
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.run.assembly import Assembly


def augmentation_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Draw the steps for the first sample of a batch: what can happen in a row, then what was left out."""
    augmenter, sample = assembly.augmenter(), _first(batch)
    told: set[str] = set()
    for problem in [*_tried(augmenter, sample), *_left_out(augmenter, sample)]:
        if problem.where not in told:
            told.add(problem.where)
            yield replace(problem, sample="")  # the settings do not fit samples like this one


def _tried(augmenter: Augmenter, sample: NestedDict) -> Iterator[Problem]:
    for high in (False, True):
        try:
            augmenter.extreme(sample, high)
        except FuseError as error:
            yield from error.problems


def _left_out(augmenter: Augmenter, sample: NestedDict) -> Iterator[Problem]:
    """Draw each operation by itself: of those within others, some are chosen only now and then."""
    for index, step in enumerate(augmenter.steps):
        for where, operation in _operations(f"augmentation.{index}.{step.name()}", step):
            try:
                Augmenter([operation], augmenter.seed).extreme(sample, high=True)
            except FuseError as error:
                yield from (replace(item, where=_below(where, item.where)) for item in error.problems)


def _operations(where: str, step: Augmentation) -> Iterator[tuple[str, Augmentation]]:
    """Yield the operations that are switched on, each with its place in the experiment."""
    if isinstance(step, Combination) and step.enabled:
        for index, inner in enumerate(step.within()):
            yield from _operations(f"{where}.{step.place_of(index)}.{inner.name()}", inner)
    elif not isinstance(step, Combination):
        yield where, step


def _below(where: str, own: str) -> str:
    """Return the place of a field of a step: `own` is that of a list of this step alone."""
    return ".".join([where, *own.split(".")[3:]])


def _first(batch: NestedDict) -> NestedDict:
    """Return the first sample of a batch, arrays in the place of tensors."""
    return NestedDict({key: _of(value) for key, value in batch.items() if key.startswith("data.")})


def _of(value: object) -> object:
    if isinstance(value, Tensor):
        return value[0].numpy()
    return value[0] if isinstance(value, list) else value
