"""A small experiment whose runs take about a second, and processes that can be killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import fuse_engine
import fuse_resources
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.process import start
from fuse_engine.run.train import work
from fuse_engine.testing import tiny_experiment
from tests.engine.run.story import Fork, changed

CHANGES = {
    ("model", "MultiHead", "backbone"): {"ResNet": {"depth": 10, "stem": "small", "width": 0.0625}},
    ("model", "MultiHead", "heads", "segmentation"): {
        "DenseSegmentation": {"classes": 2, "channels": 8, "layers": [8]}
    },
    ("model", "MultiHead", "heads", "classifier", "GlobalPoolingClassifier", "layers"): [16],
    ("data", "batch", "size"): 3,
    ("training", "checkpoint_steps"): 3,
}


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing outside the test's folder, one thread, and our packages in child processes too."""
    roots = [str(Path(next(iter(package.__path__))).parent) for package in (fuse_engine, fuse_resources)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*roots, *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small(folder: Path) -> Experiment:
    return changed(tiny_experiment(folder), CHANGES)


@pytest.fixture
def tiny(tmp_path: Path) -> Experiment:
    """Two epochs of three steps; eight training, four validation, four test samples."""
    return small(tmp_path / "project")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run, to be read by many tests."""
    folder = start(small(tmp_path_factory.mktemp("trained")))
    assert folder.status().state == "finished", folder.status().message
    return folder


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Carry a run out in a process of its own that has everything imported already; ended with the test."""
    children: list[int] = []

    def child(folder: RunFolder) -> int:
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            children.append(pid)
            return pid
        os.setsid()
        log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            code = 0 if work(folder).state == "finished" else 3
        finally:
            os._exit(code)

    yield child
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue
