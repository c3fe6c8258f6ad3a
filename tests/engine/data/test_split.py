"""Folds: groups whole, sizes and classes in equal shares, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fuse_engine.core.errors import FuseError
from fuse_engine.core.sections import Split
from fuse_engine.data import Cohort, make_folds

Make = Callable[..., Cohort]


@settings(max_examples=40, deadline=None)
@given(some.lists(some.sampled_from("aaaab cc"), min_size=5, max_size=90), some.integers(2, 5), some.integers())
def test_single_samples_are_shared_out_to_within_one(classes: list[str], folds: int, seed: int) -> None:
    cohort = frame_cohort(len(classes), finding=classes)
    fold_of = make_folds(cohort, Split(folds=folds, stratify="finding"), seed).fold_of
    sizes = Counter(fold_of.values())
    assert max(sizes.values()) - min(sizes.values()) <= 1
    for name in set(classes):
        counts = Counter(fold_of[f"s{n}"] for n, other in enumerate(classes) if other == name)
        shares = [counts[str(fold)] for fold in range(folds)]
        assert max(shares) - min(shares) <= 1


def frame_cohort(count: int, **columns: list[str]) -> Cohort:
    return Cohort.from_frame(pd.DataFrame({"id": [f"s{n}" for n in range(count)], **columns}))


def patients(seed: int = 0) -> Cohort:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 80)
    group = np.repeat(np.arange(80), sizes)
    finding = np.where(np.repeat(rng.random(80) < 0.2, sizes), "positive", "normal")
    return frame_cohort(len(group), patient=[f"p{n}" for n in group], finding=finding.tolist())


def test_groups_stay_whole_and_shares_near_equal() -> None:
    cohort = patients()
    folds = make_folds(cohort, Split(folds=5, group="patient", stratify="finding"), 33)
    fold_of_patient = {(cohort.row(name).text("patient"), fold) for name, fold in folds.fold_of.items()}
    assert len(fold_of_patient) == 80
    sizes = Counter(folds.fold_of.values())
    assert max(sizes.values()) - min(sizes.values()) <= 4
    findings = {name: cohort.row(name).text("finding") for name in cohort.ids}
    positive = Counter(fold for name, fold in folds.fold_of.items() if findings[name] == "positive")
    assert max(positive.values()) - min(positive.values()) <= 4


def test_the_seed_decides() -> None:
    cohort = patients()
    split = Split(folds=4, group="patient", stratify="finding")
    assert make_folds(cohort, split, 1).fold_of == make_folds(patients(), split, 1).fold_of
    assert make_folds(cohort, split, 1).fold_of != make_folds(cohort, split, 2).fold_of


def test_defaults_use_the_first_fold_that_is_not_the_test(make_cohort: Make) -> None:
    folds = make_folds(make_cohort(10), Split(folds=5, test=["0"]), 0)
    parts = {
        part: {folds.fold_of[name] for name in getattr(folds, part)} for part in ("train", "validation", "test")
    }
    assert parts == {"train": {"2", "3", "4"}, "validation": {"1"}, "test": {"0"}}
    assert Counter(folds.part_of.values()) == {"train": 6, "validation": 2, "test": 2}
    assert make_folds(make_cohort(10), Split(validation=[]), 0).validation == ()
    chosen = make_folds(make_cohort(10), Split(train=["3"], validation=["4"]), 0)
    assert (len(chosen.train), len(chosen.validation), chosen.test) == (2, 2, ())


def test_the_column_of_the_source_wins(make_cohort: Make) -> None:
    cohort = make_cohort(6, fold="part", part=["train", "val", "test"] * 2)
    folds = make_folds(cohort, Split(), 0)
    assert (folds.train, folds.validation, folds.test) == (("s0", "s3"), ("s1", "s4"), ("s2", "s5"))
    numbers = make_cohort(4, fold="part", part=["10", "2", "0", "1"])
    assert make_folds(numbers, Split(test=["0"]), 0).validation == ("s3",)


def test_a_group_in_two_folds_is_a_leak(make_cohort: Make) -> None:
    cohort = make_cohort(4, group="patient", fold="part", patient=["a", "a", "b", "b"], part=["0", "0", "0", "1"])
    with pytest.raises(FuseError, match="the group 'b' is in two folds.*got 's2' in '0', 's3' in '1'"):
        make_folds(cohort, Split(), 0)
    with pytest.raises(FuseError, match="sample 's0': column 'patient' names no group"):
        make_folds(make_cohort(3, group="patient", patient=["", "a", "b"]), Split(folds=2), 0)
    with pytest.raises(FuseError, match="sample 's2': column 'part' names no fold"):
        make_folds(make_cohort(3, fold="part", part=["0", "1", ""]), Split(), 0)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            Split(test=["tset"]),
            r"data.split.test: no fold 'tset'; expected one of dev, test, train; did you mean 'test'",
        ),
        (Split(test=["dev"], validation=["dev"]), r"data.split.validation: fold 'dev' is used twice"),
        (Split(test=["train", "dev", "test"]), "no sample is left for training"),
        (Split(group="patiens"), "the group column 'patiens' is not there.*did you mean 'patient'"),
    ],
)
def test_a_split_that_cannot_be_made_says_why(make_cohort: Make, split: Split, message: str) -> None:
    cohort = make_cohort(3, fold="part", part=["train", "dev", "test"], patient=["a", "b", "c"])
    with pytest.raises(FuseError, match=message):
        make_folds(cohort, split, 0)


def test_too_few_groups_and_unknown_classes(make_cohort: Make) -> None:
    with pytest.raises(FuseError, match="2 groups cannot fill 5 folds"):
        make_folds(make_cohort(6, patient=["a", "b"] * 3), Split(group="patient"), 0)
    with pytest.raises(FuseError, match="the stratify column 'findin' is not there"):
        make_folds(make_cohort(6, finding=["a"] * 6), Split(stratify="findin"), 0)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["Train", "Valid", "Test"], ("Train", "Valid", "Test")),
        (["training", "validation", "testing"], ("training", "validation", "testing")),
        (["train", "test"], ("train", None, "test")),
        (["train", "a"], ("train", "a", None)),
    ],
)
def test_folds_of_usual_names_are_used_as_they_say(names: list[str], parts: tuple[str | None, ...]) -> None:
    frame = pd.DataFrame({"id": [f"s{n}" for n in range(6)], "part": [names[n % len(names)] for n in range(6)]})
    folds = make_folds(Cohort.from_frame(frame, fold="part"), Split(), seed=1)
    for ids, part in zip((folds.train, folds.validation, folds.test), parts, strict=True):
        assert {folds.fold_of[name] for name in ids} == ({part} if part else set())
