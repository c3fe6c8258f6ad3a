"""The folds that Musket makes (musket_core.datasets.DefaultKFoldedDataSet and musket_core.splits.split)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.sections import Split
from fuse_engine.data.split.sequence import (
    Ints,
    k_fold,
    shuffle,
    shuffle_split,
    stratified_k_fold,
    stratified_shuffle_split,
)

SEED = 33
"""Musket's default `random_state`."""
HOLDOUT_SEED = 123
"""Musket's default `testSplitSeed`."""


def musket_folds(split: Split, classes: Ints | None, count: int) -> tuple[NDArray[np.int32], list[str]]:
    """Return the fold of each of `count` samples, and the names of the folds.

    `folds` makes Musket's `folds_count` folds; two shares stand for its `folds_count: 1` with `validationSplit`,
    `holdout` for its `testSplit`. `classes` are those to stratify by, numbered in sorted order.

    Raises:
        FuseError: when there are too few samples.
    """
    seed = SEED if split.seed is None else split.seed
    rest, kept = _hold_out(split, classes, count)
    own = classes[rest] if classes is not None else None
    found = np.full(count, -1, np.int32)
    if split.shares:
        share = split.shares[1]
        train, validation = (
            shuffle_split(len(rest), share, seed) if own is None else stratified_shuffle_split(own, share, seed)
        )
        names = ["train", "validation"]
        found[rest[train]], found[rest[validation]] = 0, 1
    else:
        folds = split.folds or 5
        found[rest] = k_fold(len(rest), folds, seed) if own is None else stratified_k_fold(own, folds, seed)
        names = [str(fold) for fold in range(folds)]
    if kept.size:
        found[kept] = len(names)
        names.append("test")
    return found, names


def _hold_out(split: Split, classes: Ints | None, count: int) -> tuple[Ints, Ints]:
    """Return the samples to divide, in Musket's order, which its folds depend on, and those held out."""
    if split.holdout is None:
        return np.arange(count), np.empty(0, np.int64)
    seed = HOLDOUT_SEED if split.holdout_seed is None else split.holdout_seed
    if classes is not None:
        return stratified_shuffle_split(classes, split.holdout, seed)
    order = list(range(count))
    shuffle(order, seed)
    cut = round(count - count * split.holdout)
    return np.asarray(order[:cut], np.int64), np.asarray(order[cut:], np.int64)
