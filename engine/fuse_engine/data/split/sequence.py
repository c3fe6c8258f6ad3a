"""Folds in the order of the samples, as scikit-learn makes them.

They are written out here, on numpy's frozen `RandomState`, so that folds that were published stay the same
whatever version of scikit-learn is there; the tests compare with it.
"""

from __future__ import annotations

import math
import random
from collections.abc import MutableSequence

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError

Ints = NDArray[np.int64]


def shuffle(values: MutableSequence[int], seed: int) -> None:
    """Shuffle a list of its owner in place, as Python's `random.seed(seed); random.shuffle(values)` does."""
    random.Random(seed).shuffle(values)  # noqa: S311 the stream of the programs whose folds are made again


def k_fold(count: int, folds: int, seed: int) -> Ints:
    """Return the fold of each of `count` samples: `KFold(folds, shuffle=True, random_state=seed)`.

    Raises:
        FuseError: when there are fewer samples than folds.
    """
    if count < folds:
        raise FuseError(f"{count} samples cannot fill {folds} folds", where="data.split.folds")
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    found = np.empty(count, np.int64)
    for fold, members in enumerate(np.array_split(order, folds)):
        found[members] = fold
    return found


def stratified_k_fold(classes: Ints, folds: int, seed: int) -> Ints:
    """Return the fold of each sample: `StratifiedKFold(folds, shuffle=True, random_state=seed)`.

    Raises:
        FuseError: when every class has fewer samples than there are folds.
    """
    _, first, coded, counts = np.unique(classes, return_index=True, return_inverse=True, return_counts=True)
    if counts.max() < folds:
        raise FuseError(f"{counts.max()} samples of a class cannot fill {folds} folds", where="data.split.folds")
    coded = np.argsort(np.argsort(first))[coded]  # classes count in the order in which they first come
    ordered, kinds = np.sort(coded), len(counts)
    allocation = [np.bincount(ordered[fold::folds], minlength=kinds) for fold in range(folds)]
    rng, found = np.random.RandomState(seed), np.empty(len(classes), np.int64)
    for kind in range(kinds):
        drawn = np.repeat(np.arange(folds), [counts[kind] for counts in allocation])
        rng.shuffle(drawn)
        found[coded == kind] = drawn
    return found


def group_k_fold(groups: Ints, folds: int) -> Ints:
    """Return the fold of each sample: `GroupKFold(folds)`; `groups` are numbered in the order of their names.

    Raises:
        FuseError: when there are fewer groups than folds.
    """
    _, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups)
    if len(sizes) < folds:
        raise FuseError(f"{len(sizes)} groups cannot fill {folds} folds", where="data.split.folds")
    held, found = [0] * folds, np.empty(len(sizes), np.int64)
    for group in np.argsort(sizes, kind="stable")[::-1].tolist():
        fold = held.index(min(held))
        held[fold] += int(sizes[group])
        found[group] = fold
    result: Ints = found[groups]
    return result


def shuffle_split(count: int, share: float, seed: int) -> tuple[Ints, Ints]:
    """Return the positions of training and test samples: `train_test_split(range(count), test_size=share)`.

    Raises:
        FuseError: when no sample would be left for training.
    """
    test = _test_size(count, share)
    order = np.random.RandomState(seed).permutation(count)
    return order[test:], order[:test]


def stratified_shuffle_split(classes: Ints, share: float, seed: int) -> tuple[Ints, Ints]:
    """Return positions as the first of `StratifiedShuffleSplit(test_size=share)`; classes count in sorted order.

    Raises:
        FuseError: when a class has a single sample, or a part fewer samples than there are classes.
    """
    _, coded, counts = np.unique(classes, return_inverse=True, return_counts=True)
    test = _test_size(len(classes), share)
    train = len(classes) - test
    if counts.min() < 2 or min(train, test) < len(counts):
        raise FuseError(
            f"{len(classes)} samples of {len(counts)} classes cannot be divided into {train} and {test} by class",
            expected="two samples of each class, and one of each for both parts",
        )
    rng = np.random.RandomState(seed)
    to_train = _most_likely(counts, train, rng)
    to_test = _most_likely(counts - to_train, test, rng)
    members = np.split(np.argsort(coded, kind="stable"), np.cumsum(counts)[:-1])
    trains, tests = [], []
    for kind, own in enumerate(members):
        shuffled = own[rng.permutation(len(own))]
        trains.append(shuffled[: to_train[kind]])
        tests.append(shuffled[to_train[kind] : to_train[kind] + to_test[kind]])
    return rng.permutation(np.concatenate(trains)), rng.permutation(np.concatenate(tests))


def _test_size(count: int, share: float) -> int:
    test = math.ceil(share * count)
    if test >= count:
        raise FuseError(f"a share of {share:g} of {count} samples leaves none for training")
    return test


def _most_likely(counts: Ints, draws: int, rng: np.random.RandomState) -> Ints:
    """Return how many of each class `draws` samples most likely hold; equal remainders go by chance."""
    exact = counts / counts.sum() * draws
    found = np.floor(exact)
    missing, rest = int(draws - found.sum()), exact - found
    for value in np.unique(rest)[::-1] if missing else ():
        equal = np.flatnonzero(rest == value)
        chosen = rng.choice(equal, size=min(len(equal), missing), replace=False)
        found[chosen] += 1
        missing -= len(chosen)
        if not missing:
            break
    result: Ints = found.astype(np.int64)
    return result
