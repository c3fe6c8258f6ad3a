"""Every way to divide: shares, hold-out, institutions, lists; and which settings exclude each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.core.sections import Split
from fuse_engine.data import Cohort, make_folds
from fuse_engine.data.split import Folds

Make = Callable[..., Cohort]
PARTS = ("train", "validation", "test")


def cohort_of(groups: int = 200, seed: int = 0) -> Cohort:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, groups)
    patient = np.repeat(np.arange(groups), sizes)
    finding = np.where(rng.random(len(patient)) < 0.2, "positive", "normal")
    site = np.repeat(rng.choice(["Aachen", "Bern", "Caen"], groups), sizes)
    columns = {"patient": [f"p{n}" for n in patient], "finding": finding.tolist(), "site": site.tolist()}
    return Cohort(pa.table({"id": [f"s{n}" for n in range(len(patient))], **columns}), "id", "patient")


def sizes(folds: Folds) -> list[int]:
    return [len(getattr(folds, part)) for part in PARTS]


def groups_of(cohort: Cohort, ids: tuple[str, ...]) -> set[str]:
    return {row.group for row in cohort.rows(ids)}


def one_by_one(groups: list[str], classes: list[str], folds: int, seed: int) -> dict[str, int]:
    """Give each group, the largest and rarest first, to the cheapest fold: as 0.1.0 did, in a plain loop."""
    counts = {group: Counter() for group in groups}
    for group, kind in zip(groups, classes, strict=True):
        counts[group][kind] += 1
    totals, names = Counter(classes), sorted(counts)
    stream(seed, "folds").shuffle(names)
    names.sort(key=lambda name: (-counts[name].total(), *min((totals[kind], kind) for kind in counts[name])))
    held: list[Counter[str]] = [Counter() for _ in range(folds)]

    def cost(fold: int, new: Counter[str]) -> tuple[float, int]:
        now = held[fold]
        growth = sum(((now[kind] + n) ** 2 - now[kind] ** 2) / totals[kind] ** 2 for kind, n in new.items())
        return round(growth, 12), now.total()

    found = {}
    for name in names:
        found[name] = min(range(folds), key=lambda fold: cost(fold, counts[name]))
        held[found[name]].update(counts[name])
    return found


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_dealt_as_they_always_were(seed: int) -> None:
    cohort, folds = cohort_of(30 + 25 * seed, seed), 2 + seed % 4
    for group, stratify in (("patient", "finding"), ("patient", None), ("id", "finding"), ("id", None)):
        classes = cohort.column(stratify) if stratify else [""] * len(cohort)
        expected = one_by_one(cohort.column(group), classes, folds, seed)
        found = make_folds(cohort, Split(folds=folds, group=group, stratify=stratify), seed).fold_of
        assert list(found.values()) == [str(expected[name]) for name in cohort.column(group)]


def test_shares_hold_for_groups_and_classes() -> None:
    cohort = cohort_of()
    found = make_folds(cohort, Split(shares=[0.6, 0.1, 0.3], stratify="finding"), 4)
    assert sizes(found) == pytest.approx([0.6 * len(cohort), 0.1 * len(cohort), 0.3 * len(cohort)], abs=4)
    groups = [groups_of(cohort, getattr(found, part)) for part in PARTS]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 200
    positive = [
        sum(row.text("finding") == "positive" for row in cohort.rows(getattr(found, part))) for part in PARTS
    ]
    assert positive == pytest.approx([sum(positive) * share for share in (0.6, 0.1, 0.3)], abs=4)
    assert found.names == PARTS
    assert sizes(make_folds(cohort_of(3), Split(shares=[0.9, 0.05, 0.05]), 0))[1:] != [0, 0]
    with pytest.raises(FuseError, match=r"data.split.shares: 2 groups cannot fill 3 parts"):
        make_folds(cohort_of(2), Split(shares=[0.8, 0.1, 0.1]), 0)


def test_the_hold_out_stays_while_the_folds_change() -> None:
    cohort = cohort_of()
    one, two = (make_folds(cohort, Split(holdout=0.2, holdout_seed=9, seed=seed), 4) for seed in (1, 2))
    assert one.test == two.test
    assert one.validation != two.validation
    assert len(one.test) == pytest.approx(0.2 * len(cohort), abs=4)
    assert not groups_of(cohort, one.test) & groups_of(cohort, (*one.train, *one.validation))
    assert set(one.fold_of.values()) == {"0", "1", "2", "3", "4", "test"}
    shares = make_folds(cohort, Split(holdout=0.2, shares=[0.75, 0.25]), 4)
    assert sizes(shares) == pytest.approx([0.6 * len(cohort), 0.2 * len(cohort), 0.2 * len(cohort)], abs=6)


def test_every_institution_is_in_every_part_unless_told_otherwise() -> None:
    cohort = cohort_of()
    shares = {"shares": [0.6, 0.2, 0.2], "institution": "site"}
    found = make_folds(cohort, Split(**shares), 4)
    for part in PARTS:
        sites = Counter(row.text("site") for row in cohort.rows(getattr(found, part)))
        share = len(getattr(found, part)) / len(cohort)
        for name, count in Counter(cohort.column("site")).items():
            assert sites[name] == pytest.approx(share * count, abs=6)
    split = Split(**shares, excluded_institutions=["Bern"], test_institutions=["Caen"])
    found = make_folds(cohort, split, 4)
    assert {row.text("site") for row in cohort.rows((*found.train, *found.validation))} == {"Aachen"}
    assert {row.text("site") for row in cohort.rows(found.test)} == {"Aachen", "Caen"}
    with pytest.raises(
        FuseError, match=r"data.split.test_institutions: no institution 'bern'.*did you mean 'Bern'"
    ):
        make_folds(cohort, Split(**shares, test_institutions=["bern"]), 4)


def test_an_institution_of_two_patients_is_named(make_cohort: Make) -> None:
    cohort = make_cohort(8, site=["Bern"] * 2 + ["Caen"] * 6)
    with pytest.raises(FuseError, match="2 groups of institution 'Bern' cannot fill 3 parts; expected .* test_"):
        make_folds(cohort, Split(shares=[0.6, 0.2, 0.2], institution="site"), 0)


def test_lists_name_samples_or_groups(make_cohort: Make, tmp_path: Path) -> None:
    cohort = make_cohort(12, group="patient", patient=[f"p{n // 2}" for n in range(12)])
    (tmp_path / "test.txt").write_text("\ufeffp0\n\n  p1  \r\n", encoding="utf-8")
    lists: dict[str, Any] = {"validation": ["s4", "s5"], "test": "test.txt"}
    found = make_folds(cohort, Split(lists=lists), 0, tmp_path)
    assert (found.validation, found.test) == (("s4", "s5"), ("s0", "s1", "s2", "s3"))
    assert found.train == ("s6", "s7", "s8", "s9", "s10", "s11")
    found = make_folds(cohort, Split(lists={"train": ["p5"], "validation": ["p4"]}), 0)
    assert (sizes(found), set(found.part_of)) == ([2, 2, 0], {"s8", "s9", "s10", "s11"})
    found = make_folds(cohort, Split(lists={"test": ["p5"]}, folds=5), 0)
    assert (sizes(found), sorted(found.fold_of.values())) == ([8, 2, 2], sorted([*"0123401234", "test", "test"]))


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"test": ["s1"]}, "the group 'p0' is in two folds.*got 's0' in '.', 's1' in 'test'"),
        ({"test": ["p9", "x"]}, r"data.split.lists.test: no sample or group 'p9' and 1 more.*did you mean 's9'"),
        (
            {"validation": ["p1"], "test": ["s2"]},
            "data.split.lists.test: 's2' is in two lists; got validation and",
        ),
        ({"test": "tset.txt"}, r"data.split.lists.test: no file .*tset.txt; did you mean 'test.txt'"),
        ({"test": "bad.txt"}, "bad.txt is not UTF-8 text"),
    ],
)
def test_lists_that_do_not_fit(make_cohort: Make, tmp_path: Path, lists: dict[str, Any], message: str) -> None:
    (tmp_path / "test.txt").write_text("s1")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    cohort = make_cohort(12, group="patient", patient=[f"p{n // 2}" for n in range(12)])
    with pytest.raises(FuseError, match=message):
        make_folds(cohort, Split(lists=lists, folds=None), 0, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shares": [0.8, 0.2], "folds": 5}, "'shares' and 'folds' exclude each other"),
        ({"shares": [0.8, 0.1, 0.2]}, "expected shares that add up to 1, got 1.1"),
        ({"shares": [1.0]}, "expected two or three shares"),
        ({"shares": [0.7, 0.1, 0.2], "holdout": 0.1}, "'holdout' and 'shares' exclude"),
        ({"lists": {"train": ["a"]}, "folds": 3}, "'lists' and 'folds' exclude"),
        ({"lists": {"tset": ["a"]}}, "expected train, validation or test, got 'tset'"),
        ({"holdout": 0.1, "test": ["0"]}, "'holdout' and 'test' exclude"),
        ({"institution": "site"}, "'institution' needs 'shares'"),
        ({"test_institutions": ["a"], "shares": [0.8, 0.2]}, "needs 'institution'"),
        ({"like": "innereye", "stratify": "a"}, "'like: innereye' and 'stratify' exclude"),
        ({"like": "musket", "lists": {"test": ["a"]}}, "'like: musket' and 'lists' exclude"),
        ({"holdout_seed": 1}, "'holdout_seed' needs 'holdout'"),
        ({"saved": "split.csv", "folds": 3}, "'saved' and 'folds' exclude"),
        ({"saved": "split.csv", "seed": 0}, "'saved' and 'seed' exclude"),
        ({"restrict_subjects": "+"}, "at most one"),
        ({"restrict_subjects": "1,2"}, "expected one number, or three"),
    ],
)
def test_settings_that_exclude_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Split(**settings)


def test_a_fold_column_leaves_nothing_to_divide(make_cohort: Make) -> None:
    cohort = make_cohort(6, fold="part", part=["train", "val", "test"] * 2)
    with pytest.raises(FuseError, match="data.split.holdout: the source's fold column 'part' already divides"):
        make_folds(cohort, Split(holdout=0.2), 0)
    folds = make_folds(cohort, Split(folds=7, stratify="part", seed=3), 0)
    assert folds.test == ("s2", "s5")
    assert [str(remark) for remark in folds.remarks] == [
        f"data.split.{name}: not used: the source's fold column 'part' already divides the samples"
        for name in ("folds", "stratify", "seed")
    ]
    assert make_folds(cohort, Split(), 0).remarks == ()
