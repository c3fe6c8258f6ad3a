"""Batches: every sample once, or the classes in exact shares; the same for the same seed and epoch."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data import BatchSampler

IDS = [f"s{n}" for n in range(30)]
LABELS = {name: int(n >= 24) for n, name in enumerate(IDS)}


def test_every_sample_comes_once_an_epoch() -> None:
    sampler = BatchSampler(IDS, 8, seed=1)
    batches = sampler.batches(0)
    assert [len(batch) for batch in batches] == [8, 8, 8, 6]
    assert len(sampler) == 4
    assert sorted(itertools.chain(*batches)) == sorted(IDS)
    assert sampler.batches(0) == batches
    assert sampler.batches(1) != batches
    assert BatchSampler(IDS, 8, seed=2).batches(0) != batches


def test_classes_share_each_batch_exactly() -> None:
    sampler = BatchSampler(IDS, 8, seed=1, labels=LABELS, weights=[3, 1])
    batches = sampler.batches(0)
    assert [Counter(map(LABELS.__getitem__, batch)) for batch in batches] == [{0: 6, 1: 2}] * 4
    drawn = Counter(itertools.chain(*batches))
    assert {drawn[name] for name in IDS[:24]} == {1}
    assert {drawn[name] for name in IDS[24:]} <= {1, 2}
    assert sampler.batches(0) == batches


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 5), min_size=1, max_size=40), some.integers(1, 9), some.integers(0, 9))
def test_shares_hold_over_the_epoch(classes: list[int], size: int, epoch: int) -> None:
    ids = [f"s{n}" for n in range(len(classes))]
    labels = dict(zip(ids, classes, strict=True))
    batches = BatchSampler(ids, size, seed=3, labels=labels).batches(epoch)
    assert all(len(batch) == size for batch in batches)
    drawn = Counter(labels[name] for name in itertools.chain(*batches))
    share = size * len(batches) / len(set(classes))
    assert all(abs(drawn[label] - share) < 1 + 1e-6 for label in set(classes))
    times = Counter(itertools.chain(*batches))
    for label in set(classes):
        counts = [times[name] for name in ids if labels[name] == label]
        assert max(counts) - min(counts) <= 1


def test_a_class_of_weight_zero_is_left_out() -> None:
    batches = BatchSampler(IDS, 5, seed=1, labels=LABELS, weights=[0, 1]).batches(0)
    assert {LABELS[name] for batch in batches for name in batch} == {1}


def test_a_balance_that_cannot_be_kept_says_why() -> None:
    with pytest.raises(FuseError, match="class 2 has a weight but no sample"):
        BatchSampler(IDS, 4, 0, LABELS, [1, 1, 1])
    with pytest.raises(FuseError, match="class 1 has no weight; expected 2 weights; got 1"):
        BatchSampler(IDS, 4, 0, LABELS, [1])
    with pytest.raises(SampleError, match="sample 's0': the sample has no class"):
        BatchSampler(IDS, 4, 0, {})
    with pytest.raises(FuseError, match="the weight of class 0 must be 0 or more; got -1"):
        BatchSampler(IDS, 4, 0, LABELS, [-1, 1])
    with pytest.raises(FuseError, match="every class has weight 0"):
        BatchSampler(IDS, 4, 0, LABELS, [0, 0])
    with pytest.raises(FuseError, match="no sample to draw from"):
        BatchSampler([], 4, 0)
    with pytest.raises(FuseError, match="at least one sample"):
        BatchSampler(IDS, 0, 0)


@pytest.mark.parametrize(("count", "sizes"), [(9, [4, 4]), (10, [4, 4, 2]), (1, [1]), (4, [4])])
def test_no_batch_of_one_is_left_over(count: int, sizes: list[int]) -> None:
    sampler = BatchSampler(IDS[:count], 4, seed=1)
    assert [len(batch) for batch in sampler.batches(0)] == sizes
    assert len(sampler) == len(sizes)
    seen = {name for epoch in range(20) for batch in sampler.batches(epoch) for name in batch}
    assert seen == set(IDS[:count])
