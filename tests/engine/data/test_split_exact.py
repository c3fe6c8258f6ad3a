"""Folds of other programs, made again sample by sample: scikit-learn's own are the reference."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn import model_selection as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.core.sections import Split
from fuse_engine.data import Cohort, make_folds
from fuse_engine.data.split import Folds
from fuse_engine.data.split.sequence import group_k_fold, stratified_shuffle_split

RNG = np.random.default_rng(0)
COUNT = 103
FRAME = pd.DataFrame(
    {
        "id": [f"s{n}" for n in range(COUNT)],
        "patient": [f"p{n}" for n in RNG.integers(0, 40, COUNT)],
        "finding": RNG.choice(["yes", "no", "maybe"], COUNT, p=[0.3, 0.6, 0.1]),
        "site": RNG.choice(["Bern", "Aachen", "Caen"], COUNT),
    }
)


def made(split: Split, group: str | None = None) -> Folds:
    return make_folds(Cohort.from_frame(FRAME, group=group), split, seed=7)


def fold_of(folds: Folds) -> list[str]:
    return [folds.fold_of[name] for name in FRAME["id"]]


def ids(positions: object) -> tuple[str, ...]:
    return tuple(FRAME["id"].iloc[sorted(positions)])  # type: ignore[call-overload]


@pytest.mark.parametrize("folds", [2, 5, 10])
@pytest.mark.parametrize("seed", [None, 0, 123])
def test_musket_s_folds_are_those_of_scikit_learn(folds: int, seed: int | None) -> None:
    state = 33 if seed is None else seed
    reference = sk.KFold(folds, shuffle=True, random_state=state).split(FRAME)
    found = fold_of(made(Split(like="musket", folds=folds, seed=seed)))
    for number, (_, validation) in enumerate(reference):
        assert {found[position] for position in validation} == {str(number)}
    stratified = fold_of(made(Split(like="musket", folds=folds, seed=seed, stratify="finding")))
    kfold = sk.StratifiedKFold(folds, shuffle=True, random_state=state)
    for number, (_, validation) in enumerate(kfold.split(FRAME, FRAME["finding"])):
        assert {stratified[position] for position in validation} == {str(number)}


@pytest.mark.parametrize("classes", [None, "finding"])
def test_musket_s_single_fold_is_train_test_split(classes: str | None) -> None:
    found = made(Split(like="musket", shares=[0.8, 0.2], stratify=classes))
    by_class = FRAME[classes] if classes else None
    train, validation = sk.train_test_split(range(COUNT), test_size=0.2, random_state=33, stratify=by_class)
    assert (found.train, found.validation, found.test) == (ids(train), ids(validation), ())


def test_musket_s_hold_out_comes_first_and_orders_the_rest() -> None:
    order = list(range(COUNT))
    random.Random(123).shuffle(order)
    kept, rest = order[round(COUNT - COUNT * 0.15) :], order[: round(COUNT - COUNT * 0.15)]
    found = made(Split(like="musket", folds=4, holdout=0.15))
    assert found.test == ids(kept)
    first = next(sk.KFold(4, shuffle=True, random_state=33).split(rest))[1]
    assert found.validation == ids(rest[position] for position in first)
    again = made(Split(like="musket", folds=4, holdout=0.15, holdout_seed=5))
    assert again.test != found.test
    splitter = sk.StratifiedShuffleSplit(4, test_size=0.15, random_state=123)
    train, test = next(splitter.split(FRAME, FRAME["finding"]))
    stratified = made(Split(like="musket", folds=4, holdout=0.15, stratify="finding"))
    assert stratified.test == ids(test)
    folds = sk.StratifiedKFold(4, shuffle=True, random_state=33).split(train, FRAME["finding"].iloc[train])
    assert stratified.validation == ids(train[next(folds)[1]])


def test_musket_divides_groups_and_so_is_refused_with_them() -> None:
    with pytest.raises(FuseError, match="the group 'p.*' is in two folds, and .* more groups; expected no groups"):
        made(Split(like="musket"), group="patient")


@pytest.mark.parametrize("seed", range(20))
def test_stratified_shuffles_and_group_folds_of_any_shape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 5, rng.integers(40, 200))
    reference = next(sk.StratifiedShuffleSplit(1, test_size=0.25, random_state=seed).split(classes, classes))
    for mine, other in zip(stratified_shuffle_split(classes, 0.25, seed), reference, strict=True):
        assert mine.tolist() == other.tolist()
    found = group_k_fold(classes, 3)
    for number, (_, members) in enumerate(sk.GroupKFold(3).split(classes, groups=classes)):
        assert np.flatnonzero(found == number).tolist() == members.tolist()


def proportions(keys: list[str], train: float, test: float) -> tuple[set[str], set[str], set[str]]:
    """What `DatasetSplits.get_subject_ranges_for_splits` does, step by step."""
    first, second, third, rest = keys[0], keys[1], keys[2], keys[3:]
    take = math.ceil(len(rest) * train)
    chosen = {first, *rest[:take]}
    skip = len(chosen)
    tested = {second, *rest[skip : skip + math.ceil(len(rest) * test)]}
    return chosen, tested, {third} | (set(rest) - chosen - tested)


@pytest.mark.parametrize("group", [None, "patient"])
def test_innereye_s_proportions_and_the_folds_of_what_they_leave(group: str | None) -> None:
    key = group or "id"
    keys = list(FRAME[key].unique())
    random.Random(0).shuffle(keys)
    train, test, validation = (FRAME[FRAME[key].isin(part)] for part in proportions(keys, 0.7, 0.2))
    found = made(Split(like="innereye", shares=[0.7, 0.1, 0.2]), group)
    assert [found.train, found.validation, found.test] == [tuple(part["id"]) for part in (train, validation, test)]
    rest = pd.concat([train, validation])
    if group:
        folds = sk.GroupKFold(3).split(rest["id"].to_numpy(), groups=rest[group].to_numpy())
    else:
        folds = sk.KFold(3, shuffle=True, random_state=0).split(rest["id"].to_numpy())
    crossed = made(Split(like="innereye", shares=[0.7, 0.1, 0.2], folds=3, validation=["2"]), group)
    assert crossed.test == found.test
    assert set(crossed.validation) == set(rest["id"].to_numpy()[list(folds)[2][1]])


def test_innereye_s_institutions() -> None:
    split = Split(
        like="innereye", shares=[0.6, 0.2, 0.2], institution="site", test_institutions=["Caen"],
        excluded_institutions=["Bern"],
    )  # fmt: skip
    found = made(split)
    subjects = list(FRAME["id"][FRAME["site"] == "Aachen"])
    random.Random(0).shuffle(subjects)
    train, test, validation = proportions(subjects, 0.6, 0.2)
    assert (set(found.train), set(found.validation)) == (train, validation)
    assert set(found.test) == test | set(FRAME["id"][FRAME["site"] == "Caen"])
    assert not set(FRAME["id"][FRAME["site"] == "Bern"]) & set(found.part_of)


@pytest.mark.parametrize(
    ("pattern", "sizes"),
    [("", (6, 3, 3)), ("2", (2, 2, 2)), ("4,,1", (4, 3, 1)), (",0,+", (6, 0, 6)), ("0,0,+", (0, 0, 12)),
     ("+,1,1", (10, 1, 1)), ("20", (6, 3, 3))],
)  # fmt: skip
def test_innereye_s_restricted_subjects(
    pattern: str, sizes: tuple[int, int, int], make_cohort: Callable[..., Cohort]
) -> None:
    """The cases of `DatasetSplits.restrict_subjects`, worked out by hand; samples of a group go together."""
    cohort = make_cohort(24, "patient", "part", patient=[f"p{n // 2}" for n in range(24)],
                         part=["train"] * 12 + ["val"] * 6 + ["test"] * 6)  # fmt: skip
    if not sizes[0]:
        with pytest.raises(FuseError, match="no sample is left for training"):
            make_folds(cohort, Split(restrict_subjects=pattern), 0)
        return
    found = make_folds(cohort, Split(restrict_subjects=pattern), 0)
    assert tuple(len(getattr(found, part)) // 2 for part in ("train", "validation", "test")) == sizes
