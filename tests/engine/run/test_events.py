"""The record of a run survives kills, power cuts and full disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fuse_engine.run.events import EventLog, read_events, without_redone


def test_a_torn_last_line_waits_and_a_torn_line_within_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("batch", step=0)
    log.close()
    with path.open("ab") as file:
        file.write(b'{"kind":"batch","st')
    events, place = read_events(path)
    assert [event["step"] for event in events] == [0]
    again = EventLog(path)
    again.write("batch", step=1)
    again.close()
    assert [event["step"] for event in read_events(path, place)[0]] == [1]


def test_reading_goes_on_where_it_left_off(tmp_path: Path) -> None:
    log, path = EventLog(tmp_path / "e"), tmp_path / "e"
    log.write("batch", step=0)
    _, place = read_events(path)
    assert read_events(path, place) == ([], place)
    log.write("batch", step=1, losses={"total_loss": float("nan")})
    (event,), end = read_events(path, place)
    assert (event["step"], event["losses"], end) == (1, {"total_loss": None}, path.stat().st_size)
    log.close()


def test_what_a_continuation_does_again_is_dropped() -> None:
    before = [{"kind": "batch", "step": step} for step in range(6)]
    before += [{"kind": "epoch", "epoch": 0}, {"kind": "epoch", "epoch": 1}, {"kind": "checkpoint", "step": 4}]
    found = without_redone([*before, {"kind": "resume", "step": 4, "epoch": 1}, {"kind": "batch", "step": 4}])
    assert [event["step"] for event in found if event["kind"] == "batch"] == [0, 1, 2, 3, 4]
    assert [event["epoch"] for event in found if event["kind"] == "epoch"] == [0]
    assert {"kind": "checkpoint", "step": 4} in found


def test_a_full_disk_delays_events_and_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write, calls = EventLog(tmp_path / "e"), os.write, iter(range(100))

    def full(handle: int, content: bytes) -> int:
        turn = next(calls)
        if turn in (1, 2):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, content[:7] if turn == 0 else content)

    monkeypatch.setattr(os, "write", full)
    for step in range(4):
        log.write("batch", step=step)
    log.close()
    assert [event["step"] for event in read_events(tmp_path / "e")[0]] == [0, 1, 2, 3]


def test_lines_that_no_run_writes_are_passed_over(tmp_path: Path) -> None:
    lines = [b'{"kind":"batch"}', b'{"kind":["batch"]}', b'{"kind":"resume","step":"x"}', b"[" * 100_000, b"7",
             b'{"kind":"resume","step":4,"epoch":1}']  # fmt: skip
    (tmp_path / "e").write_bytes(b"\n".join(lines) + b"\n")
    assert read_events(tmp_path / "e")[0] == [{"kind": "resume", "step": 4, "epoch": 1}]
