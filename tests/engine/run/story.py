"""What the tests of runs tell their stories with."""

from __future__ import annotations

import time
from collections.abc import Callable

from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder

Fork = Callable[[RunFolder], int]


def changed(experiment: Experiment, changes: dict[tuple[str | int, ...], object]) -> Experiment:
    for place, value in changes.items():
        experiment = experiment.changed(place, value)
    return experiment


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def batches(folder: RunFolder) -> dict[int, dict[str, float]]:
    """Return the losses of every step."""
    return {event["step"]: event["losses"] for event in folder.events()[0] if event["kind"] == "batch"}
