"""A run folder tells the truth about its run, to any reader, at any time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from fuse_engine.core.errors import RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.files import write_json
from fuse_engine.run.folder import RunFolder, list_runs
from fuse_engine.run.lock import Lock
from fuse_engine.run.status import StatusFile, machine


@pytest.fixture
def run(tiny: Experiment) -> RunFolder:
    return RunFolder.create(tiny.folder / "runs", tiny)


def own(**changes: object) -> dict[str, object]:
    process = psutil.Process()
    return {
        "pid": process.pid,
        "created": process.create_time(),
        "machine": machine(),
        "updated": time.time(),
    } | changes


def test_a_new_run_is_queued_and_holds_its_experiment(run: RunFolder, tiny: Experiment) -> None:
    assert run.status().state == "queued"
    assert run.experiment().to_yaml() == tiny.to_yaml()
    assert run.experiment().folder == tiny.folder
    assert (run.experiment_name, list_runs(tiny.folder / "runs")) == ("tiny", [run])
    assert run.metrics().empty


def test_the_project_can_be_moved_with_its_runs(run: RunFolder, tiny: Experiment, tmp_path: Path) -> None:
    moved = tiny.folder.rename(tmp_path / "elsewhere")
    found = list_runs(moved / "runs")[0]
    assert found.experiment().folder == moved


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "running"),
        ({"created": 1.0}, "lost"),  # another process has got the same number
        ({"pid": 2**22 + 1}, "lost"),
        ({"machine": "another", "updated": time.time() + 86400}, "running"),  # the clock at collection
        ({"machine": "another", "updated": 1.0}, "lost"),
    ],
)
def test_running_is_believed_only_while_its_process_is_there(
    run: RunFolder, changes: dict[str, object], state: str
) -> None:
    write_json(run.path / "status.json", own(state="running", **changes))
    assert run.status().state == state


def test_a_run_ended_from_outside_is_cancelled_not_lost(run: RunFolder) -> None:
    write_json(run.path / "status.json", own(state="running", created=1.0))
    run.request("cancel")
    assert run.status().state == "cancelled"


def test_a_process_that_has_not_written_yet_is_starting(run: RunFolder) -> None:
    write_json(run.path / "status.json", own(state="failed", updated=1.0))
    run.submitted(**{name: own()[name] for name in ("pid", "created", "machine")})
    assert run.status().state == "starting"


def test_the_heartbeat_brings_progress_to_the_file(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuse_engine.run.status.HEARTBEAT", 0.01)
    with StatusFile(run.path / "status.json") as status:
        status.progress(step=5, state="running")
        end = time.monotonic() + 5
        while run.status().step != 5 and time.monotonic() < end:
            time.sleep(0.005)
        assert run.status().step == 5


def test_one_process_holds_a_run_and_a_killed_one_frees_it(run: RunFolder) -> None:
    with Lock(run.path):
        pid = os.fork()
        if pid == 0:
            try:
                Lock(run.path, patience=0).__enter__()
            except RunError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    with Lock(run.path, patience=0), pytest.raises(RunError, match="held by another process"):
        Lock(run.path, patience=0).__enter__()


def test_what_is_not_there_is_said_with_what_is(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run folder"):
        RunFolder(tmp_path).experiment()
    with pytest.raises(RunError, match="no checkpoint 'best'; expected one of none yet"):
        run.checkpoint("best")


DAMAGED = [
    b"", b"{", b"[]", b'{"state": 5}', b'{"state": "running", "pid": "x"}',
    b'{"state": "running", "started": 1e400}', b'{"state": "running", "pid": 1' + b"0" * 400 + b"}",
    b"[" * 100_000, b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_of_one_run_does_not_end_the_list_of_all(run: RunFolder, content: bytes) -> None:
    (run.path / "status.json").write_bytes(content)
    assert run.status().state == "lost"
    (run.path / "submit.json").write_bytes(content)
    assert run.status().state == "lost"
    with pytest.raises(RunError, match="does not say where its experiment stood"):
        run.experiment()


def test_a_file_that_never_ends_is_not_waited_for(run: RunFolder) -> None:
    os.mkfifo(run.path / "status.json")
    assert run.status().state == "lost"


@pytest.mark.parametrize("name", ["log.txt", "events.jsonl", "predictions", "predictions/masks"])
def test_a_run_that_would_write_elsewhere_is_refused(run: RunFolder, name: str, tmp_path: Path) -> None:
    path = run.path / name
    if path.is_dir():
        path.rmdir()
    path.symlink_to(tmp_path)
    with pytest.raises(RunError, match=f"'{path.name}' of run {run.name} is a link"):
        run.experiment()
