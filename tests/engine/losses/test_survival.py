"""The Cox loss against its definition, sum by sum."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.losses import Cox
from tests.engine.losses.made import slope

KEYS = {"pred": "model.logits.survival", "time": "data.gt.months", "event": "data.gt.died"}
RISK = torch.tensor([[0.3], [-1.2], [2.0], [0.1], [0.8], [-0.4], [1.1]])
TIME = torch.tensor([5.0, 3.0, 3.0, 8.0, 3.0, 5.0, 9.0])
EVENT = torch.tensor([1, 1, 1, 0, 0, 1, 1])


def by_hand(efron: bool, weights: np.ndarray) -> float:
    """Return the partial likelihood time by time (Therneau and Grambsch, sections 3.3 and 3.4)."""
    risk, time, event = RISK[:, 0].double().numpy(), TIME.numpy(), EVENT.numpy() == 1
    total = 0.0
    for when in np.unique(time[event]):
        dead = event & (time == when)
        at_risk = (weights * np.exp(risk))[time >= when].sum()
        together = (weights * np.exp(risk))[dead].sum()
        for index in range(dead.sum()):
            left = at_risk - (index / dead.sum() * together if efron else 0)
            total += weights[dead].mean() * np.log(left)
        total -= (weights * risk)[dead].sum()
    return float(total / weights[event].sum())


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_ties_by_hand(ties: str) -> None:
    loss = Cox.model_validate({**KEYS, "ties": ties})
    found = loss(RISK, TIME, EVENT)
    assert float(found) == pytest.approx(by_hand(ties == "efron", np.ones(7)), rel=1e-5)
    order = torch.tensor([3, 6, 0, 5, 2, 4, 1])
    assert float(loss(RISK[order], TIME[order], EVENT[order])) == pytest.approx(float(found), rel=1e-5)


def test_weights_as_in_r() -> None:
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0, 1.5, 1.0])
    batch = NestedDict(
        {"model.logits.survival": RISK, "data.gt.months": TIME, "data.gt.died": EVENT, "data.input.w": weights}
    )
    for ties in ("efron", "breslow"):
        found = Cox.model_validate({**KEYS, "ties": ties, "sample_weights": "data.input.w"}).compute(batch)
        assert float(found) == pytest.approx(by_hand(ties == "efron", weights.double().numpy()), rel=1e-5)


def test_a_weight_of_0_is_a_sample_that_is_not_there() -> None:
    batch = {"model.logits.survival": RISK, "data.gt.months": TIME, "data.gt.died": EVENT}
    weights = torch.tensor([1.0, 1, 1, 0, 0, 1, 1])
    kept = weights > 0
    loss = Cox(**KEYS, sample_weights="data.input.w")
    found = loss.compute(NestedDict({**batch, "data.input.w": weights}))
    assert float(found) == pytest.approx(float(Cox(**KEYS)(RISK[kept], TIME[kept], EVENT[kept])), rel=1e-5)


def test_without_ties_both_are_the_same_and_each_order_counts() -> None:
    risk, time = torch.randn(4, 1), torch.arange(4.0)
    both = [Cox.model_validate({**KEYS, "ties": ties}) for ties in ("efron", "breslow")]
    for order in itertools.permutations(range(4)):
        one, other = (loss(risk[list(order)], time, torch.ones(4)) for loss in both)
        assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_no_event_has_no_loss_and_no_slope() -> None:
    loss = Cox(**KEYS)
    assert float(loss(RISK, TIME, torch.zeros(7))) == 0
    assert not bool(slope(loss, RISK, TIME, torch.zeros(7)).any())


@pytest.mark.parametrize("size", [1.0, 100.0])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_slopes_are_finite(size: float, ties: str) -> None:
    loss = Cox.model_validate({**KEYS, "ties": ties})
    for risk in (size * RISK, -size * RISK, 0 * RISK, (size * RISK).bfloat16()):
        assert bool(torch.isfinite(slope(loss, risk, TIME, EVENT)).all())
        assert bool(torch.isfinite(slope(loss, risk, torch.ones(7), torch.ones(7))).all())


def test_what_is_no_time_no_event_or_no_risk_is_named() -> None:
    loss = Cox(**KEYS)
    with pytest.raises(FuseError, match=r"event: 'data\.gt\.died' holds 2"):
        loss(RISK, TIME, 2 * EVENT)
    with pytest.raises(FuseError, match=r"time: 'data\.gt\.months' holds a time that is none"):
        loss(RISK, TIME.where(TIME > 3, torch.nan), EVENT)
    with pytest.raises(FuseError, match=r"pred: a survival head gives one number.*got \(7, 2\)"):
        loss(RISK.expand(7, 2), TIME, EVENT)
    with pytest.raises(FuseError, match=r"time: 'data\.gt\.months' does not hold one number a sample"):
        loss(RISK, TIME[:5], EVENT)
