from __future__ import annotations

import numpy as np
import pytest
import torch

from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import CIndex

METRIC = CIndex(pred="model.output.survival", time="data.gt.months", event="data.gt.died")


def by_pairs(risk: torch.Tensor, time: torch.Tensor, event: torch.Tensor) -> float:
    """Return the index by looking at every pair."""
    right = pairs = 0.0
    for i in range(len(risk)):
        for j in range(len(risk)):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                right += float(risk[i] > risk[j]) + 0.5 * float(risk[i] == risk[j])
    return right / pairs


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("censored", [0.0, 0.5, 0.9])
def test_the_index_is_that_of_all_pairs(censored: float, decimals: int) -> None:
    rng = stream("survival", int(10 * censored), decimals)
    time = np.round(rng.exponential(5, 90), decimals)  # ties of time and of risk
    risk = np.round(-time / 4 + rng.normal(size=90), decimals)
    sample = [torch.from_numpy(array) for array in (risk, time, rng.random(90) >= censored)]
    assert METRIC.result(METRIC.collect(*sample)) == pytest.approx(by_pairs(*sample))


def test_order_and_its_opposite_and_ties() -> None:
    time, event = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.ones(4)
    for risk, expected in (([4, 3, 2, 1], 1.0), ([1, 2, 3, 4], 0.0), ([1, 1, 1, 1], 0.5)):
        assert METRIC.result(METRIC.collect(torch.tensor(risk).float()[:, None], time, event)) == expected


def test_those_who_left_early_are_compared_with_none() -> None:
    """The second one left at 2: only 1 < 2, 1 < 3 and 1 < 3 are known, the last two died together."""
    rows = METRIC.collect(
        torch.tensor([0.5, 0.9, 0.1, 0.2]), torch.tensor([1.0, 2.0, 3.0, 3.0]), torch.tensor([1, 0, 1, 1])
    )
    assert METRIC.result(rows) == pytest.approx(2 / 3)
    together = METRIC.collect(torch.tensor([0.5, 0.9]), torch.tensor([2.0, 2.0]), torch.tensor([[1], [0]]))
    assert METRIC.result(together) == 0  # who had the event is compared with who left at the same time


def test_nothing_to_compare_is_undefined() -> None:
    rows = METRIC.collect(torch.rand(5), torch.rand(5), torch.zeros(5))
    assert np.isnan(METRIC.result(rows))
    assert np.isnan(METRIC.result({name: row[:0] for name, row in rows.items()}))
    broken = METRIC.collect(torch.tensor([0.1, float("nan")]), torch.rand(2), torch.ones(2))
    assert np.isnan(METRIC.result(broken))
    assert METRIC.per_sample(rows) is None


def test_bad_times_and_events_are_named() -> None:
    with pytest.raises(FuseError, match=r"'data\.gt\.months' holds a time that is none"):
        METRIC.collect(torch.rand(2), torch.tensor([1.0, float("nan")]), torch.ones(2))
    with pytest.raises(FuseError, match=r"'data\.gt\.died' holds other values than 0 and 1"):
        METRIC.collect(torch.rand(2), torch.rand(2), torch.tensor([1, 2]))
    with pytest.raises(FuseError, match=r"shapes do not fit; .* got \(2, 3\), \(2,\), \(2,\)"):
        METRIC.collect(torch.rand(2, 3), torch.rand(2), torch.ones(2))
