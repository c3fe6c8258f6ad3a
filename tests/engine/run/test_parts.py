"""Learning rates, devices and endings, each against what it should be by hand."""

from __future__ import annotations

import math

import pytest
import torch

from fuse_engine.core.errors import RunError
from fuse_engine.core.sections import Best, Run, Stage
from fuse_engine.run.callbacks import EarlyStopping, EpochReport
from fuse_engine.run.device import choose, describe, differences
from fuse_engine.run.executors import thread_count
from fuse_engine.run.optimizers import SGD, Adam, AdamW, Optimizer
from fuse_engine.run.progress import is_better, stage_of
from fuse_engine.run.schedules import Constant, Cosine, OneCycle, Step


def test_cosine_is_torch_s() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9, eta_min=0.1)
    for step in range(10):
        assert Cosine(final=0.1).factor(step, 10) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_one_cycle_is_torch_s() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=101, pct_start=0.3, div_factor=25, final_div_factor=400, cycle_momentum=False
    )
    for step in range(101):
        # torch puts the top at step pct_start * steps - 1, we at pct_start of the way
        assert OneCycle().factor(step, 101) == pytest.approx(theirs.get_last_lr()[0], abs=0.025)
        optimizer.step()
        if step < 100:
            theirs.step()
    assert [OneCycle().factor(step, 101) for step in (0, 30, 100)] == pytest.approx([0.04, 1, 1e-4])


def test_warm_up_rises_in_a_straight_line_and_steps_fall() -> None:
    assert [Constant(warm_up=0.4).factor(step, 10) for step in range(6)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1, 1]
    )
    assert [Step(at=[0.5]).factor(step, 5) for step in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.1])
    assert Cosine().factor(0, 1) == 1


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(), SGD(nesterov=True)])
def test_every_optimizer_makes_a_square_smaller(optimizer: Optimizer) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    built = optimizer.build([weight])
    for _ in range(5):
        built.zero_grad()
        weight.pow(2).sum().backward()
        built.step()
    assert bool((weight < 1).all())


def test_better_is_smaller_or_larger_and_never_not_a_number() -> None:
    low, high = Best(), Best(optimization="max", on_equal_values="better")
    assert is_better(low, 1, 2)
    assert not is_better(high, 1, 2)
    assert (is_better(low, 2, 2), is_better(high, 2, 2)) == (False, True)
    assert is_better(low, 5, math.nan)
    assert not is_better(low, math.nan, 5)
    assert not is_better(high, math.nan, math.nan)


def test_stages_follow_each_other() -> None:
    stages = [Stage(epochs=2), Stage(epochs=1), Stage(epochs=3)]
    assert [stage_of(stages, epoch) for epoch in range(7)] == [0, 0, 1, 2, 2, 2, 2]


def test_early_stopping_counts_from_the_best_epoch_and_takes_no_number_as_worse() -> None:
    stop, memory = EarlyStopping(monitor="value", patience=2, optimization="max"), {}
    values = [1.0, 3.0, 2.0, 3.5, math.nan, 3.0]
    said = [stop.on_epoch(EpochReport(0, 0, {"value": value}, False), memory) for value in values]
    assert [text is not None for text in said] == [False] * 5 + [True]


def test_precision_follows_the_processor_and_says_why() -> None:
    run = Run(device="cpu")
    assert choose(run, frozenset({"avx2"})).precision == "32-true"
    fast = choose(run, frozenset({"avx512_bf16"}))
    assert (fast.precision, fast.why) == ("bf16-mixed", "this CPU has bf16 units (avx512_bf16)")
    assert choose(Run(device="cpu", precision="32-true"), frozenset({"amx_bf16"})).precision == "32-true"


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(RunError, match="no cuda device on this machine; expected auto or one of cpu"):
        choose(Run(device="cuda"))


def test_what_ends_bit_identity_is_named() -> None:
    before = describe(choose(Run(device="cpu"), frozenset()), 1)
    assert differences(before, before) == []
    assert differences(before, {**before, "threads": 2, "python": "9"}) == ["threads changed"]
    assert not any("/" in str(value) for value in before.values())


def test_threads_leave_a_core_for_the_window() -> None:
    assert thread_count(3) == 3
    assert thread_count(0) >= 1
