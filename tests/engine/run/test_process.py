"""A run is a process of its own: it outlives who started it, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fuse_engine.core.errors import RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.process import kill, resume, start, wait
from fuse_engine.run.train import work
from tests.engine.run.story import Fork, batches, changed, until

LONG = {("training", "stages"): [{"epochs": 500}], ("run", "infer"): False}

STARTER = """
import os, sys
from fuse_engine import Experiment
from fuse_engine.run import start
folder = start(Experiment.load(sys.argv[1]))
assert "torch" not in sys.modules
assert folder.status().state == "starting", folder.status()
print(folder.path, flush=True)
os.kill(os.getpid(), 9)
"""


def test_it_outlives_its_starter_is_killed_found_lost_and_continued(tiny: Experiment, tmp_path: Path) -> None:
    experiment = changed(tiny, {**LONG, ("run", "executor"): {"Local": {}}})
    path = tiny.folder / "local.yaml"
    experiment.save(path)
    (tmp_path / "torch.py").write_text("raise SystemExit('a file of the current folder was taken for torch')")
    starter = subprocess.run(
        [sys.executable, "-c", STARTER, str(path)], stdout=subprocess.PIPE, text=True, check=False, cwd=tmp_path
    )
    assert starter.returncode == -signal.SIGKILL
    folder = RunFolder(starter.stdout.strip())
    until(lambda: len(batches(folder)) > 4)
    status = folder.status()
    assert status.state == "running"
    assert os.getsid(status.pid) == status.pid
    os.kill(status.pid, signal.SIGKILL)
    until(lambda: folder.status().state == "lost")
    resume(folder)
    with pytest.raises(RunError, match=r"is (starting|running)"):
        resume(folder)
    until(lambda: folder.status().state == "running")
    child = folder.status().pid
    kill(folder)
    assert wait(folder, 20).state == "cancelled"
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert "Traceback" not in folder.log.read_text()


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, 0), (signal.SIGINT, 2)])
def test_a_signal_to_its_group_ends_it_with_a_checkpoint(
    tiny: Experiment, fork: Fork, number: signal.Signals, workers: int
) -> None:
    experiment = changed(tiny, {**LONG, ("data", "batch", "workers"): workers})
    folder = RunFolder.create(tiny.folder / "runs", experiment)
    pid = fork(folder)
    until(lambda: len(batches(folder)) > 1)
    loaders = psutil.Process(pid).children(recursive=True)
    os.killpg(pid, number)
    os.waitpid(pid, 0)
    status = folder.status()
    assert status.state == "cancelled", status.message
    assert folder.checkpoint("last").name.split("-")[1] == f"{status.step:08d}"
    assert len(loaders) == workers
    assert psutil.wait_procs(loaders, timeout=10)[1] == []


def test_the_lock_of_a_killed_run_is_not_kept_by_its_loaders(tiny: Experiment, fork: Fork) -> None:
    experiment = changed(tiny, {**LONG, ("data", "batch", "workers"): 2})
    folder = RunFolder.create(tiny.folder / "runs", experiment)
    pid = fork(folder)
    until(lambda: len(batches(folder)) > 1)
    loaders = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    from fuse_engine.run.lock import Lock

    with Lock(folder.path, patience=0.2):
        assert len(loaders) == 2
    assert psutil.wait_procs(loaders, timeout=20)[1] == []


def test_a_run_that_does_not_end_by_itself_is_killed_with_all_it_started(tiny: Experiment, fork: Fork) -> None:
    folder = RunFolder.create(tiny.folder / "runs", changed(tiny, LONG))
    pid = fork(folder)
    until(lambda: len(batches(folder)) > 1)
    os.kill(pid, signal.SIGSTOP)  # it hangs, as a read from a dead share would
    kill(folder, grace=0.2)
    assert folder.status().state == "cancelled"
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_wrong_words_are_answered_with_the_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuse_engine", "walk"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "usage: python -m fuse_engine run FOLDER\n")


def test_a_process_that_waited_for_the_run_finds_it_finished_and_does_nothing(tiny: Experiment) -> None:
    folder = start(changed(tiny, {**LONG, ("training", "stages"): [{"epochs": 1}]}))
    recorded = (folder.path / "events.jsonl").read_bytes()
    folder.submitted(pid=2**22 + 1, created=1.0, machine=folder.status().machine)  # the one that waited, now gone
    assert (work(folder).state, folder.status().steps) == ("finished", 3)
    assert (folder.path / "events.jsonl").read_bytes() == recorded


def test_a_run_whose_folder_is_removed_ends_and_is_lost(tiny: Experiment, fork: Fork) -> None:
    folder = RunFolder.create(tiny.folder / "runs", changed(tiny, LONG))
    pid = fork(folder)
    until(lambda: len(batches(folder)) > 1)
    folder.path.rename(tiny.folder / "removed")
    os.waitpid(pid, 0)
    assert (folder.status().state, folder.status().message) == ("lost", "its folder is gone")
    assert wait(folder, 1).state == "lost"
