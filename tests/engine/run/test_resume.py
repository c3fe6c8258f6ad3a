"""A run that is killed again and again ends with the same bits as one that was left alone."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
import torch

from fuse_engine.core.experiment import Experiment
from fuse_engine.run import checkpoint
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.process import start
from fuse_engine.run.train import work

from .conftest import Fork, batches, changed, until

ALL_STATE = {
    ("training", "stages"): [{"epochs": 2, "freeze": "backbone", "lr": 0.01}, {"epochs": 4}],
    ("training", "schedule"): {"Cosine": {"warm_up": 0.1}},
    ("training", "average"): 0.9,
    ("training", "gradient_clip"): 1.0,
    ("training", "callbacks"): [{"EarlyStopping": {"patience": 50}}],
    ("run", "infer"): False,
}


def lines(folder: RunFolder) -> int:
    path = folder.path / "events.jsonl"
    return path.read_bytes().count(b'"kind":"batch"') if path.exists() else 0


def assert_same(one: RunFolder, other: RunFolder) -> None:
    assert batches(one) == batches(other)
    epochs = [[event for event in run.events()[0] if event["kind"] == "epoch"] for run in (one, other)]
    assert [{**event, "time": 0} for event in epochs[0]] == [{**event, "time": 0} for event in epochs[1]]
    assert (one.path / "metrics.csv").read_text() == (other.path / "metrics.csv").read_text()
    for kind in ("last", "best0"):
        states = [checkpoint.load(run.checkpoint(kind)) for run in (one, other)]
        torch.testing.assert_close(*(state["model"] for state in states), rtol=0, atol=0)
        torch.testing.assert_close(*(state.get("average") for state in states), rtol=0, atol=0)


def kill_until_done(folder: RunFolder, fork: Fork, seed: int) -> int:
    """Kill the run after 1 to 5 more steps, wherever it then is, until it gets through; return how often."""
    rng, kills = random.Random(seed), 0
    while True:
        goal, pid = lines(folder) + rng.choice([1, 1, 2, 3, 5]), fork(folder)
        late = rng.uniform(0, 0.05)
        until(lambda: lines(folder) >= goal or folder.status().state == "finished" or os.waitpid(pid, os.WNOHANG)[0])
        if folder.status().state == "finished":
            return kills
        until(lambda: False, late) if False else None
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        assert folder.status().state == "lost"


def test_killed_again_and_again_it_ends_with_the_same_bits(tiny: Experiment, fork: Fork) -> None:
    experiment = changed(tiny, ALL_STATE)
    whole = start(experiment)
    assert whole.status().state == "finished", whole.status().message
    assert len(batches(whole)) == 18
    killed = RunFolder.create(experiment.folder / "runs", experiment)
    assert kill_until_done(killed, fork, seed=3) >= 4
    assert_same(whole, killed)
