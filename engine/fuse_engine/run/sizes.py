"""Whether samples can be put into one batch."""

from __future__ import annotations

import numpy as np

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.run.assembly import Assembly, shapes_of

LOOKED_AT = 3
"""Samples of a part, spread over it, whose sizes are compared."""


def size_problems(assembly: Assembly) -> list[Problem]:
    """Return one problem for each value whose size differs from sample to sample; a few samples are processed.

    Samples that cannot be processed are left out: others say so.
    """
    if assembly.experiment.data.batch.size == 1:
        return []
    found: dict[str, Problem] = {}
    folds = assembly.folds
    # only whole samples are validated and tested with, one at a time where training cuts them into patches
    for ids in (folds.train, folds.validation, folds.test) if assembly.whole_batch > 1 else (folds.train,):
        _compare(assembly, ids, found)
    return list(found.values())


def _compare(assembly: Assembly, ids: tuple[str, ...], found: dict[str, Problem]) -> None:
    """Add a problem for each value whose size differs within a part."""
    first: dict[str, tuple[tuple[int, ...], str]] = {}
    for name in _spread(ids):
        try:
            shapes = shapes_of(assembly.as_trained(name))
        except FuseError:
            continue
        for key, shape in shapes.items():
            known, other = first.setdefault(key, (shape, name))
            if shape != known and key not in found:
                found[key] = _told(assembly, key, f"{known} in sample '{other}' and {shape} in sample '{name}'")


def _spread(ids: tuple[str, ...]) -> list[str]:
    places = np.unique(np.linspace(0, len(ids) - 1, min(LOOKED_AT, len(ids))).astype(int))
    return [ids[place] for place in places.tolist()]


def _told(assembly: Assembly, key: str, got: str) -> Problem:
    one_size, alone = "by a step Resize or CropOrPad", "data.batch.size: 1"
    patches = assembly.experiment.data.patches
    if patches is None:
        return Problem(
            f"'{key}' differs in size from sample to sample, so several make no batch", key, got=got,
            expected=f"one size, e.g. {one_size} at the end of the steps; data.patches of one size; or {alone}",
        )  # fmt: skip
    return Problem(
        f"the patches of '{key}' differ in size from sample to sample, so several make no batch",
        f"data.patches.{patches.name}", got=got,
        expected=f"images of one size, e.g. {one_size}; GridPatches or RandomPatches, of fixed size; or {alone}",
    )  # fmt: skip
