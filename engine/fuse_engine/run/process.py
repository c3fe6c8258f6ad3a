"""Start, continue and end runs from any process, with nothing but their folders."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil

from fuse_engine.core.component import Component
from fuse_engine.core.errors import RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import component
from fuse_engine.run.executors import Executor, Inline, Local
from fuse_engine.run.folder import RunFolder, runs_root
from fuse_engine.run.status import ALIVE, Status, alive, machine

GRACE = 10.0
"""Seconds a run has to save itself before it is killed."""
LIGHT: dict[str, type[Executor]] = {"Local": Local, "Inline": Inline}
"""Executors that need no look into the registry, which would import torch."""


def start(experiment: Experiment, root: Path | None = None) -> RunFolder:
    """Make a run folder and let the experiment's executor carry it out.

    Raises:
        ExperimentError: for an executor that does not exist.
    """
    executor = _executor(experiment)
    folder = RunFolder.create(root or runs_root(experiment), experiment)
    executor.start(folder)
    return folder


def resume(folder: RunFolder) -> None:
    """Continue a run from its last checkpoint.

    Raises:
        RunError: when it is running, or finished.
    """
    folder.check()
    state = folder.status().state
    if state in (*ALIVE, "finished"):
        raise RunError(
            f"run {folder.name} is {state}", expected="a run that stopped, failed, was cancelled or lost"
        )
    folder.clear_requests()
    _executor(folder.experiment()).start(folder)


def _executor(experiment: Experiment) -> Executor:
    spec = experiment.run.executor
    if light := LIGHT.get(spec.name):
        return light.model_validate(spec.args)
    found: Component = component("executor", spec, ("run", "executor"), experiment)
    if not isinstance(found, Executor):
        raise RunError(f"{spec.name} is no executor")
    return found


def stop(folder: RunFolder) -> None:
    """Ask a run to end after the batch it is in, with a checkpoint; returns at once."""
    folder.request("stop")


def wait(folder: RunFolder, timeout: float | None = None) -> Status:
    """Return the status when the run has ended, or when `timeout` seconds have passed."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        status = folder.status()
        if status.state not in ("queued", *ALIVE) or (end is not None and time.monotonic() > end):
            return status
        time.sleep(0.05)


def kill(folder: RunFolder, grace: float = GRACE) -> None:
    """End a run: ask it, and after `grace` seconds kill its process and all that it started (rule R3).

    Raises:
        RunError: when it runs on another machine.
    """
    folder.request("cancel")
    status = folder.status()
    if status.state not in ALIVE:
        return
    if status.machine != machine():
        raise RunError(
            f"run {folder.name} is on another machine", expected="its own machine, or a wait for its end"
        )
    if not alive(status.pid, status.created) or status.pid == os.getpid():
        return
    process = psutil.Process(status.pid)
    tree = [process, *process.children(recursive=True)]
    _signal_group(process)
    _, left = psutil.wait_procs(tree, timeout=grace)
    for one in left:
        if one.is_running():
            one.kill()
    psutil.wait_procs(left, timeout=grace)


def _signal_group(process: psutil.Process) -> None:
    try:
        if os.name != "nt" and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
    except (ProcessLookupError, psutil.NoSuchProcess):
        return  # it ended in the meantime
