"""Whether losses can learn from samples that are mixed with each other."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from fuse_engine.augment import BatchOperation
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import Problem
from fuse_engine.core.keys import keys_of
from fuse_engine.losses.base import Loss, leaves
from fuse_engine.run.assembly import Assembly


def mixing_problems(assembly: Assembly, batch: NestedDict) -> Iterator[Problem]:
    """Say which losses would learn a truth that was not mixed as the images were, or cannot read a mixed one."""
    for index, step in enumerate(assembly.augmenter().steps):
        if not isinstance(step, BatchOperation) or not step.enabled:
            continue
        where = f"augmentation.{index}.{step.name()}"
        for name, top in assembly.losses.items():
            for place, loss in leaves(top, ("losses", name, top.name())):
                yield from _of_loss(step, where, ".".join(map(str, place)), loss)
                yield from _classes(step, where, loss, batch)


def _of_loss(step: BatchOperation, where: str, place: str, loss: Loss) -> Iterator[Problem]:
    for field, keys in keys_of(loss).items():
        for key in keys:
            if key.startswith("data.gt.") and field not in Loss.model_fields:
                yield from _one(step, where, loss, f"{place}.{field}", key)


def _one(step: BatchOperation, where: str, loss: Loss, place: str, key: str) -> Iterator[Problem]:
    if key in step.targets and not loss.takes_shares:
        yield Problem(
            f"{loss.name()} takes one class a sample, and {step.name()} makes shares of classes of '{key}'", place,
            expected=f"CrossEntropy, or no {step.name()}",
        )  # fmt: skip
    elif key not in (*step.targets, *step.keys):
        yield Problem(
            f"{step.name()} mixes images, but not '{key}' that {place} learns", where,
            expected=f"'{key}' in `targets` for one class a sample, in `keys` for a label map",
        )  # fmt: skip


def _classes(step: BatchOperation, where: str, loss: Loss, batch: NestedDict) -> Iterator[Problem]:
    keys = keys_of(loss)
    pred, target = keys.get("pred", ("",))[0], keys.get("target", ("",))[0]
    known = batch[pred] if target in step.targets and pred in batch else None
    if isinstance(known, Tensor) and known.ndim > 1 and known.shape[1] != step.classes:
        yield Problem(
            f"'{pred}' has {known.shape[1]} classes", f"{where}.classes",
            expected=str(known.shape[1]), got=str(step.classes),
        )  # fmt: skip
