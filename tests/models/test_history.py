"""The events of a run as curves."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from fuse_gui.models.history import History, shown_metrics


def batch(step: int, **losses: float | None) -> dict[str, Any]:
    return {"kind": "batch", "step": step, "time": step * 0.5, "losses": losses}


def epoch(number: int, step: int, value: float | None, best: bool = False) -> dict[str, Any]:
    side = {"losses": {"total_loss": value}, "metrics": {"auc": {"a": 0.1, "macro_avg": value}, "iou": value}}
    return {"kind": "epoch", "epoch": number, "step": step, "train": side, "validation": side, "best": best}


def test_batches_and_epochs_become_lines() -> None:
    history = History()
    history.add([batch(0, total_loss=2.0), batch(1, total_loss=1.0), epoch(0, 2, 0.7, best=True)])
    losses, metrics = history.figure().axes
    lines = {line.label: line for line in losses.lines}
    assert list(lines["batch total"].y) == [2.0, 1.0]
    assert list(lines["validation total"].x) == [2.0]
    assert [line.label for line in metrics.lines] == ["auc.macro_avg", "iou"], "an average stands for its classes"
    assert metrics.marks == ((1.0, "best: epoch 1"),)
    assert losses.marks == ((2.0, "best: epoch 1"),)


def test_of_an_interval_the_figure_itself_is_drawn() -> None:
    around = ("org", "mean", "std", "conf_lower", "conf_upper", "degenerate")
    names = [f"ci.{part}.{name}" for part in ("1", "macro_avg") for name in around]
    assert shown_metrics([*names, "roc.1.auc", "test.p_value"]) == [
        "ci.macro_avg.org",
        "roc.1.auc",
        "test.p_value",
    ]


def test_a_loss_that_comes_later_or_is_undefined_keeps_its_place() -> None:
    history = History()
    history.add([batch(0, a=1.0), batch(1, a=None, b=3.0), batch(2, b=4.0)])
    np.testing.assert_array_equal(history.losses["a"], [1.0, np.nan, np.nan])
    np.testing.assert_array_equal(history.losses["b"], [np.nan, 3.0, 4.0])


def test_a_continued_run_takes_back_what_is_done_again() -> None:
    history = History()
    history.add([batch(n, total_loss=1.0) for n in range(6)] + [epoch(0, 3, 0.5, True), epoch(1, 6, 0.6, True)])
    history.add([{"kind": "resume", "step": 4, "epoch": 1}, batch(4, total_loss=9.0)])
    assert history.steps == [0, 1, 2, 3, 4]
    assert history.losses["total_loss"][-1] == 9.0
    assert len(history.epochs) == 1
    assert history.best == 0


def test_the_best_epoch_is_the_last_one_called_best() -> None:
    history = History()
    assert history.best is None
    history.add([epoch(0, 1, 0.5, True), epoch(1, 2, 0.4), epoch(2, 3, 0.9, True), epoch(3, 4, None)])
    assert history.best == 2
    assert np.isnan(history.last("validation", "metrics")["iou"])


def test_pace_is_the_time_from_batch_to_batch() -> None:
    history = History()
    assert np.isnan(history.pace)
    history.add([batch(n, total_loss=1.0) for n in range(100)])
    assert history.pace == 0.5


def test_a_hundred_thousand_batches_are_taken_in_a_moment() -> None:
    history, start = History(), time.process_time()
    history.add(batch(n, total_loss=1.0, cls=0.5) for n in range(100_000))
    assert len(history.steps) == 100_000
    assert time.process_time() - start < 2.0


def test_warnings_name_their_sample() -> None:
    history = History()
    history.add(
        [{"kind": "warning", "message": "passed over", "sample": "s1"}, {"kind": "warning", "message": "x"}]
    )
    assert history.warnings == ["sample s1: passed over", "x"]
