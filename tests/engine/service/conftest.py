from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from fuse_engine.service.arrays import PREFIX, memory_folder
from fuse_engine.service.client import Engine

STORY_WORKER = Path(__file__).with_name("story_worker.py")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def start():
    """Start engines over the story worker; afterwards no process and no memory file may be left."""
    before = set(memory_folder().glob(f"{PREFIX}*"))
    engines = []

    def start_one(*words):
        engines.append(Engine((sys.executable, "-P", str(STORY_WORKER), *words)))
        return engines[-1]

    yield start_one
    pids = [engine.pid for engine in engines if engine.pid]
    for engine in engines:
        engine.close()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert set(memory_folder().glob(f"{PREFIX}*")) <= before


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
