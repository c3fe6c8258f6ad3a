"""A file can kill the worker, never the client; who did it is said, and after three times it is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.service.arrays import ArrayFolder, memory_folder


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(b"not really")
    return path


def die(engine, scan, sample="p3"):
    with pytest.raises(FuseError) as caught:
        engine.request("fatal", id=sample, path=scan).result(30)
    return caught.value.problems[0]


def test_a_file_that_kills_the_worker_is_named_with_its_sample(engine, scan):
    problem = die(engine, scan)
    assert "Segmentation fault" in problem.message
    assert (problem.got, problem.sample) == (str(scan), "p3")


def test_the_next_request_has_a_new_worker(engine, scan, until):
    told = []
    engine.restarted.connect(told.append)
    first = engine.request("echo", value=1).result(20) and engine.pid
    die(engine, scan)
    assert engine.request("echo", value=2).result(20) == 2
    assert engine.pid != first
    until(lambda: told)
    assert str(scan) in told[0]


def test_everything_that_was_pending_fails_with_the_same_reason(engine, scan):
    jobs = [engine.request("fatal", id="p3", path=scan), *(engine.request("echo", value=n) for n in range(3))]
    for job in jobs:
        with pytest.raises(FuseError, match="scan.dcm"):
            job.result(30)


def test_three_deaths_on_one_file_and_it_is_refused_until_it_changes(engine, scan):
    assert "once" in die(engine, scan).message
    assert "2 times" in die(engine, scan).message
    assert "3 times; it is not read any more" in die(engine, scan).message
    with pytest.raises(SampleError, match="not read any more"):
        engine.request("fatal", id="p3", path=scan).result(30)
    alive = engine.pid
    scan.write_bytes(b"repaired")
    assert engine.request("read", path=scan).result(30) == "repaired"
    assert engine.pid == alive


def test_another_file_is_still_read(engine, scan, tmp_path):
    for _ in range(3):
        die(engine, scan)
    other = tmp_path / "other.dcm"
    other.write_text("fine", encoding="utf-8")
    assert engine.request("read", path=other).result(30) == "fine"


def test_killed_from_outside_during_a_long_read(engine, scan, until):
    job = engine.request("slow_read", id="p9", path=scan, seconds=60)
    until(lambda: engine._deaths.reading)
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(FuseError, match="lack of memory") as caught:
        job.result(10)
    assert caught.value.problems[0].sample == "p9"


def test_a_worker_that_dies_with_nothing_to_do_is_replaced(engine, until):
    told = []
    engine.restarted.connect(told.append)
    engine.request("echo", value=1).result(20)
    os.kill(engine.pid, signal.SIGKILL)
    until(lambda: told)
    assert told[0].startswith("the engine worker ended (killed")
    assert engine.request("echo", value=2).result(20) == 2


def test_a_read_that_hangs_is_ended(start, scan):
    engine = start("1")
    with pytest.raises(FuseError, match="took longer than allowed"):
        engine.request("slow_read", id="p9", path=scan, seconds=60).result(20)
    assert engine.request("slow_read", id="p9", path=scan, seconds=0).result(20) is None


def test_arrays_of_a_worker_that_died_while_replying_are_removed(engine, until):
    engine.request("echo", value=1).result(20)
    folder = engine._worker.arrays.path
    with pytest.raises(FuseError, match="die_replying"):
        engine.request("die_replying").result(20)
    until(lambda: not folder.exists())


def test_a_worker_that_cannot_start_says_where_to_look(tmp_path):
    from fuse_engine.service.client import Engine

    engine = Engine((sys.executable, "-c", "raise SystemExit(4)"))
    with pytest.raises(FuseError, match=r"exit code 4.*worker\.log"):
        engine.request("echo", value=1).result(20)
    engine.close()


CLIENT = """
import os, sys, time
from fuse_engine.service.client import Engine
engine = Engine((sys.executable, "-P", sys.argv[1]))
engine.request("ramp", shape=[8]).result(30)
job = engine.request("count", steps=2000, seconds=0.01, journal=sys.argv[2])
print(engine.pid, engine._worker.arrays.path, flush=True)
time.sleep(60) if sys.argv[3] == "wait" else None
"""


@pytest.fixture
def client(tmp_path):
    def run(mode):
        script = tmp_path / "client.py"
        script.write_text(textwrap.dedent(CLIENT), encoding="utf-8")
        story = Path(__file__).with_name("story_worker.py")
        return subprocess.Popen(
            [sys.executable, script, story, tmp_path / "journal", mode], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip

    return run


@pytest.mark.parametrize("mode", ["leave", "wait"])
def test_no_worker_and_no_memory_outlives_its_client(client, mode, until):
    process = client(mode)
    pid, folder = process.stdout.readline().split()
    if mode == "wait":
        process.kill()
    assert process.wait(20) == (-signal.SIGKILL if mode == "wait" else 0)
    process.stdout.close()
    until(lambda: not psutil.pid_exists(int(pid)))
    assert not Path(folder).exists()


def test_folders_of_owners_that_were_killed_are_swept_and_of_living_ones_kept(memory, monkeypatch):
    monkeypatch.setattr("fuse_engine.service.arrays._YOUNG", -1.0)
    alive, gone = ArrayFolder(), ArrayFolder()
    gone._lock.release()
    newest = ArrayFolder()
    assert set(memory.iterdir()) == {alive.path, newest.path}
    for folder in (alive, newest):
        folder.remove()
    assert list(memory.iterdir()) == []


def test_arrays_are_private_and_lie_in_memory():
    folder = ArrayFolder()
    mode = folder.path.stat().st_mode & 0o777
    parent = folder.path.parent
    folder.remove()
    assert mode == 0o700
    assert parent == memory_folder()
