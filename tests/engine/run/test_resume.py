"""A run that is killed again and again ends with the same bits as one that was left alone."""

from __future__ import annotations

import os
import random
import signal
import time

import torch

from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import write_json
from fuse_engine.models.checkpoint import load
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.process import resume, start
from tests.engine.run.story import Fork, batches, changed, until

ALL_STATE = {
    ("training", "stages"): [{"epochs": 1, "freeze": "backbone", "lr": 0.01}, {"epochs": 3}],
    ("training", "schedule"): {"Cosine": {"warm_up": 0.1}},
    ("training", "checkpoint_steps"): 2,
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
        states = [load(run.checkpoint(kind)) for run in (one, other)]
        torch.testing.assert_close(*(state["model"] for state in states), rtol=0, atol=0)
        torch.testing.assert_close(*(state.get("average") for state in states), rtol=0, atol=0)


def kill_after(folder: RunFolder, fork: Fork, steps: int, late: float) -> bool:
    """Let the run take some more steps, then kill it wherever it is; return whether it was finished before."""
    goal, pid = lines(folder) + steps, fork(folder)
    until(lambda: lines(folder) >= goal or bool(os.waitpid(pid, os.WNOHANG)[0]))
    if lines(folder) < goal:
        return True
    time.sleep(late)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    state = folder.status().state
    assert state in ("lost", "finished")
    return state == "finished"


def test_killed_again_and_again_it_ends_with_the_same_bits(tiny: Experiment, fork: Fork) -> None:
    experiment = changed(tiny, ALL_STATE)
    whole = start(experiment)
    assert whole.status().state == "finished", whole.status().message
    killed = RunFolder.create(experiment.folder / "runs", experiment)
    rng = random.Random(3)
    moments = [
        (1, 0.0),
        (1, 0.0),
        (4, 0.02),
        *((rng.choice([2, 4]), rng.uniform(0, 0.03)) for _ in range(3)),
        (99, 0),
    ]
    ends = [kill_after(killed, fork, *moment) for moment in moments]
    assert ends.count(False) >= 3
    assert len(batches(whole)) == 12
    assert_same(whole, killed)


def test_stopped_within_an_epoch_it_goes_on_with_the_same_bits(tiny: Experiment, fork: Fork) -> None:
    experiment = changed(tiny, {**ALL_STATE, ("training", "stages"): [{"epochs": 2}]})
    whole, stopped = start(experiment), RunFolder.create(experiment.folder / "runs", experiment)
    pid = fork(stopped)
    until(lambda: lines(stopped) >= 1)
    stopped.request("stop")
    os.waitpid(pid, 0)
    assert stopped.status().state == "stopped"
    assert stopped.status().step % 3
    resume(stopped)
    assert stopped.status().state == "finished"
    assert_same(whole, stopped)


def test_loaders_give_the_same_bits_as_none(tiny: Experiment) -> None:
    none = start(tiny)
    two = start(tiny.changed(("data", "batch", "workers"), 2))
    assert two.status().state == "finished", two.status().message
    assert_same(none, two)


def test_a_damaged_checkpoint_is_passed_over(tiny: Experiment) -> None:
    experiment = changed(tiny, {**ALL_STATE, ("training", "stages"): [{"epochs": 2}]})
    whole, damaged = start(experiment), start(experiment)
    last = damaged.checkpoint("last")
    last.write_bytes(last.read_bytes()[:-100])
    write_json(damaged.path / "status.json", {"state": "failed"})
    resume(damaged)
    said = [event["message"] for event in damaged.events()[0] if event["kind"] == "warning"]
    assert said[0].startswith(f"checkpoint {last.name} is damaged")
    assert [event["step"] for event in damaged.events()[0] if event["kind"] == "resume"] == [4]
    assert_same(whole, damaged)
