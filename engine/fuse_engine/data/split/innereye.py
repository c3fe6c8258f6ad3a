"""The divisions that InnerEye makes (InnerEye.ML.utils.split_dataset.DatasetSplits)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.core.sections import Split
from fuse_engine.data.source import Coded
from fuse_engine.data.split.ready import is_one_of, sorted_codes
from fuse_engine.data.split.sequence import Ints, group_k_fold, k_fold, shuffle

PARTS = ("train", "validation", "test")
Parts = tuple[Ints, Ints, Ints]
"""Positions of the training, validation and test samples; their order decides the folds."""


def innereye_folds(
    split: Split, groups: Coded, institutions: Coded | None, lists: Mapping[str, NDArray[np.bool_]], grouped: bool
) -> tuple[NDArray[np.int32], list[str]]:
    """Return the fold of each sample, and the names of the folds.

    Shares, institutions or lists make training, validation and test; `folds` then divides training and validation
    together, in this order. Samples are InnerEye's subjects; `grouped` says whether groups hold several.

    Raises:
        FuseError: when there are too few subjects, or an institution is unknown.
    """
    seed, count = split.seed or 0, len(groups.codes)
    if lists:
        parts = tuple(np.flatnonzero(lists[part]) if part in lists else _none() for part in PARTS)
    elif institutions is not None:
        parts = _by_institution(split, institutions, seed)
    elif split.shares:
        parts = _by_proportion(groups.codes, split.shares, seed)
    else:
        parts = (np.arange(count), _none(), _none())
    train, validation, test = parts
    found = np.full(count, -1, np.int32)
    if split.folds is None and (lists or split.shares):
        for number, members in enumerate(parts):
            found[members] = number
        return found, list(PARTS)
    folds, rest = split.folds or 5, np.concatenate([train, validation])
    found[rest] = group_k_fold(sorted_codes(groups)[rest], folds) if grouped else k_fold(len(rest), folds, seed)
    found[test] = folds
    return found, [*map(str, range(folds)), "test"]


def _none() -> Ints:
    return np.empty(0, np.int64)


def _by_proportion(keys: NDArray[np.int32], shares: Sequence[float], seed: int) -> Parts:
    """Divide the groups, in the order in which they first come, and give every sample to its group's part."""
    order = list(dict.fromkeys(keys.tolist()))
    shuffle(order, seed)
    ranges = subject_ranges(order, shares)
    return tuple(np.flatnonzero(np.isin(keys, list(chosen))) for chosen in ranges)  # type: ignore[return-value]


def subject_ranges(order: Sequence[int], shares: Sequence[float]) -> tuple[set[int], set[int], set[int]]:
    """Return who is for training, validation and test: one for each first, then by the shares, rounded up.

    The test's part starts where as many were passed over as training has, the first one included, so that one
    subject less than its share may be in the test.
    """
    part_train, _, part_test = shares
    train, test, validation = set(order[:1]), set(order[1:2]), set(order[2:3])
    rest = list(order[3:])
    if part_test == 0:
        rest, test = [*order[1:2], *rest], set()
    train |= set(rest[: math.ceil(len(rest) * part_train)])
    if test:
        test |= set(rest[len(train) : len(train) + math.ceil(len(rest) * part_test)])
    return train, validation | (set(rest) - train - test), test


def _by_institution(split: Split, institutions: Coded, seed: int) -> Parts:
    """Divide the subjects inside each institution, the institutions in sorted order."""
    count = len(institutions.codes)
    if count < 3:
        raise FuseError(f"{count} subjects are too few", where="data.split.institution", expected="3 or more")
    out = is_one_of(institutions, split.excluded_institutions, "excluded_institutions", "institution")
    only = is_one_of(institutions, split.test_institutions, "test_institutions", "institution")
    found: list[list[Ints]] = [[], [], []]
    order = sorted_codes(institutions)
    for number in range(len(institutions.dictionary)):
        members = np.flatnonzero((order == number) & ~out)
        if members.size and only[members[0]]:
            ranges: tuple[set[int], ...] = (set(), set(), set(members.tolist()))
        else:
            shuffled = members.tolist()
            shuffle(shuffled, seed)
            ranges = subject_ranges(shuffled, split.shares)
        for part, chosen in zip(found, ranges, strict=True):
            part.append(members[np.isin(members, list(chosen))])
    return tuple(np.concatenate(part) for part in found)  # type: ignore[return-value]
