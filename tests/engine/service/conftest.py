from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from fuse_engine.service.client import Engine

STORY_WORKER = Path(__file__).with_name("story_worker.py")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A folder in the place of the one that all programs share."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr("fuse_engine.service.arrays.memory_folder", lambda: folder)
    return folder


@pytest.fixture
def start(memory):
    """Start engines over the story worker; afterwards no process and no memory file may be left."""
    engines = []

    def start_one(*words):
        engines.append(Engine((sys.executable, "-P", str(STORY_WORKER), *words)))
        return engines[-1]

    yield start_one
    pids = [engine.pid for engine in engines if engine.pid]
    for engine in engines:
        engine.close()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert list(memory.iterdir()) == []


@pytest.fixture
def engine(start):
    return start()


@pytest.fixture
def until():
    def wait(condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.005)

    return wait
