"""Batches: every sample once, or the classes in given shares; the same for the same seed and epoch."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fuse_engine.core.errors import FuseError
from fuse_engine.data import BatchSampler

IDS = [f"s{n}" for n in range(30)]
CLASSES = [int(n >= 24) for n in range(30)]
CLASS_OF = dict(zip(IDS, CLASSES, strict=True))


def sampler(size: int = 8, seed: int = 1, **more: Any) -> BatchSampler:
    return BatchSampler(IDS, size, seed, CLASSES, **more)


def mixes(found: BatchSampler, epoch: int = 0) -> list[dict[int, int]]:
    return [dict(sorted(Counter(map(CLASS_OF.__getitem__, batch)).items())) for batch in found.batches(epoch)]


def drawn(found: BatchSampler, epoch: int = 0) -> Counter[str]:
    return Counter(itertools.chain(*found.batches(epoch)))


def test_every_sample_comes_once_an_epoch() -> None:
    plain = BatchSampler(IDS, 8, seed=1)
    batches = list(plain.batches(0))
    assert [len(batch) for batch in batches] == [8, 8, 8, 6]
    assert len(plain) == 4
    assert sorted(itertools.chain(*batches)) == sorted(IDS)
    assert list(plain.batches(0)) == batches
    assert list(plain.batches(1)) != batches
    assert list(BatchSampler(IDS, 8, seed=2).batches(0)) != batches
    assert [len(batch) for batch in BatchSampler(IDS, 8, seed=1, drop_last=True).batches(0)] == [8, 8, 8]


def test_the_batches_of_version_0_1_0_are_still_drawn() -> None:
    """Runs that were begun before go on with the same samples; these were written down then."""
    assert BatchSampler(IDS, 8, seed=1).batches(0)[0] == ["s9", "s0", "s8", "s28", "s12", "s13", "s18", "s1"]
    assert sampler(6, seed=3, weights=[2, 1]).batches(1)[-1] == ["s9", "s29", "s23", "s8", "s28", "s5"]


def test_classes_share_each_batch_exactly() -> None:
    balanced = sampler(weights=[3, 1])
    assert mixes(balanced) == [{0: 6, 1: 2}] * 4
    assert {drawn(balanced)[name] for name in IDS[:24]} == {1}
    assert {drawn(balanced)[name] for name in IDS[24:]} <= {1, 2}
    assert mixes(sampler(counts=[7, 1])) == [{0: 7, 1: 1}] * 4


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 5), min_size=1, max_size=40), some.integers(1, 9), some.integers(0, 9))
def test_shares_hold_over_the_epoch(classes: list[int], size: int, epoch: int) -> None:
    ids = [f"s{n}" for n in range(len(classes))]
    batches = BatchSampler(ids, size, 3, classes).batches(epoch)
    assert all(len(batch) == size for batch in batches)
    times = Counter(itertools.chain(*batches))
    share = size * len(batches) / len(set(classes))
    for label in set(classes):
        counts = [times[name] for name, own in zip(ids, classes, strict=True) if own == label]
        assert abs(sum(counts) - share) < 1 + 1e-6
        assert max(counts) - min(counts) <= 1


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.integers(0, 3), min_size=12, max_size=60), some.integers(4, 9),
    some.lists(some.floats(0.1, 3), min_size=4, max_size=4),
)  # fmt: skip
def test_over_and_under_sampling_are_as_long_as_they_promise(
    classes: list[int], size: int, weights: list[float]
) -> None:
    ids, known = [f"s{n}" for n in range(len(classes))], weights[: max(classes) + 1]
    given_ = [weight if label in classes else 0.0 for label, weight in enumerate(known)]
    over = BatchSampler(ids, size, 3, classes, given_, length="over_sample")
    assert set(drawn(over)) == set(ids)
    shorter = BatchSampler(ids, size, 3, classes, given_, length=max(1, len(over) - 1))
    assert len(over) == 1 or set(drawn(shorter)) != set(ids)
    if max(drawn(BatchSampler(ids, size, 3, classes, given_, length=1)).values()) > 1:
        with pytest.raises(FuseError, match="the rarest class does not fill its share"):
            BatchSampler(ids, size, 3, classes, given_, length="under_sample")
        return
    under = BatchSampler(ids, size, 3, classes, given_, length="under_sample")
    assert max(drawn(under).values()) == 1
    longer = BatchSampler(ids, size, 3, classes, given_, length=len(under) + 1)
    assert max(drawn(longer).values()) > 1


def test_lengths_by_hand() -> None:
    assert len(sampler(8, counts=[4, 4], length="over_sample")) == 6  # 24 of class 0, four at a time
    assert len(sampler(8, counts=[4, 4], length="under_sample")) == 1  # 6 of class 1, four at a time
    assert len(sampler(8, length=11)) == 11
    with pytest.raises(
        FuseError, match="rarest class does not fill.*expected smaller batches or over_sample; got 6"
    ):
        sampler(14, counts=[7, 7], length="under_sample")


def test_probabilities_are_kept_on_average_and_batches_differ() -> None:
    found = sampler(10, probabilities=[0.3, 0.7], length=300)
    ones = [mix.get(1, 0) for mix in mixes(found)]
    assert np.mean(ones) == pytest.approx(7, abs=4 * np.sqrt(10 * 0.3 * 0.7 / 300))
    assert np.var(ones) == pytest.approx(10 * 0.3 * 0.7, rel=0.3)  # binomial: each place is drawn by itself
    assert mixes(found) == mixes(sampler(10, probabilities=[0.3, 0.7], length=300))


def test_a_class_of_weight_zero_is_left_out() -> None:
    assert mixes(sampler(5, weights=[0, 1])) == [{1: 5}] * 6


@pytest.mark.parametrize(
    "given_",
    [{}, {"labels": CLASSES, "weights": [1, 2]}, {"labels": CLASSES, "probabilities": [0.5, 0.5]}],
    ids=["plain", "weights", "probabilities"],
)
@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_out_the_plan_of_one(given_: dict[str, Any], world: int) -> None:
    whole = BatchSampler(IDS, 8, 5, **given_)
    ranks = [BatchSampler(IDS, 8, 5, **given_, rank=rank, world=world) for rank in range(world)]
    shares = [list(rank.batches(3)) for rank in ranks]
    assert {len(share) for share in shares} == {len(rank) for rank in ranks} == {len(ranks[0])}
    for number, batch in enumerate(whole.batches(3)[: len(ranks[0])]):
        parts = [share[number] for share in shares]
        assert Counter(batch) == sum(map(Counter, parts), Counter())
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert len(whole) - len(ranks[0]) in (0, 1)  # a last batch too small for two samples each is left out


def test_a_balance_that_cannot_be_kept_says_why() -> None:
    with pytest.raises(FuseError, match="class 2 has a weight but no sample"):
        sampler(4, weights=[1, 1, 1])
    with pytest.raises(FuseError, match=r"class 1 \('old'\) has no weight; expected 2 weights; got 1"):
        sampler(4, weights=[1], names=["young", "old"])
    with pytest.raises(FuseError, match="the counts do not fill a batch; expected a sum of 8; got 9"):
        sampler(8, counts=[5, 4])
    with pytest.raises(FuseError, match="every sample needs a class; expected 30; got 2"):
        BatchSampler(IDS, 4, 0, [0, 1])
    with pytest.raises(FuseError, match="the weight of class 0 must be 0 or more; got -1"):
        sampler(4, weights=[-1, 1])
    with pytest.raises(FuseError, match="every class has weight 0"):
        sampler(4, weights=[0, 0])
    with pytest.raises(FuseError, match="no sample to draw from"):
        BatchSampler([], 4, 0)
    with pytest.raises(FuseError, match="at least one sample"):
        BatchSampler(IDS, 0, 0)
    with pytest.raises(FuseError, match="a batch of 8 cannot be shared by 3 processes; expected a multiple of 3"):
        BatchSampler(IDS, 8, 0, world=3)
    with pytest.raises(FuseError, match="3 samples fill no batch of 8; expected smaller batches"):
        BatchSampler(IDS[:3], 8, 0, drop_last=True)


@pytest.mark.parametrize(("count", "sizes"), [(9, [4, 4]), (10, [4, 4, 2]), (1, [1]), (4, [4])])
def test_no_batch_of_one_is_left_over(count: int, sizes: list[int]) -> None:
    plain = BatchSampler(IDS[:count], 4, seed=1)
    assert [len(batch) for batch in plain.batches(0)] == sizes
    assert len(plain) == len(sizes)
    seen = {name for epoch in range(20) for batch in plain.batches(epoch) for name in batch}
    assert seen == set(IDS[:count])
