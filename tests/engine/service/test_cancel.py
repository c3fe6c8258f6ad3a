"""The newest request wins, and work nobody waits for ends at its next step."""

from __future__ import annotations

import pytest

from fuse_engine.core.errors import FuseError


def steps_done(journal):
    return len(journal.read_text(encoding="utf-8").splitlines()) if journal.exists() else 0


def test_a_cancelled_job_ends_at_its_next_step(engine, tmp_path, until):
    journal = tmp_path / "journal"
    job = engine.request("count", steps=2000, seconds=0.005, journal=str(journal))
    until(lambda: steps_done(journal) >= 3)
    job.cancel()
    with pytest.raises(FuseError, match="'count' was cancelled"):
        job.result(0)
    assert engine.request("echo", value="next").result(10) == "next"
    assert steps_done(journal) < 1000


def test_a_job_that_has_not_begun_is_never_done(engine, tmp_path):
    busy = engine.request("count", steps=20, seconds=0.01, journal=str(tmp_path / "busy"))
    waiting = engine.request("count", steps=1, seconds=0, journal=str(tmp_path / "waiting"))
    waiting.cancel()
    assert busy.result(20) == 20
    assert engine.request("echo", value=1).result(10) == 1
    assert not (tmp_path / "waiting").exists()


def test_of_many_requests_on_a_channel_the_newest_is_answered(engine, until):
    replies = []
    for value in range(40):
        engine.request("echo", channel="slider", then=replies.append, value=value)
    until(lambda: len(replies) == 40)
    fresh = [reply.value for reply in replies if not reply.stale]
    assert fresh[-1] == 39
    assert all(reply.value is None for reply in replies if reply.stale)
    assert all("overtaken" in str(reply.error) for reply in replies if reply.stale)


def test_channels_do_not_disturb_each_other(engine):
    one = engine.request("echo", channel="one", value=1)
    two = engine.request("echo", channel="two", value=2)
    free = [engine.request("echo", value=value) for value in (3, 4)]
    assert [job.result(20) for job in (one, two, *free)] == [1, 2, 3, 4]


def test_arrays_of_dropped_replies_leave_no_file(engine, until):
    for _ in range(60):
        job = engine.request("ramp", channel="slider", shape=[64, 64])
    job.result(20)
    until(lambda: not list(engine._worker.arrays.path.glob("*.npy")))


def test_progress_arrives_in_order_and_none_after_a_cancel(engine, tmp_path, until):
    seen = []
    job = engine.request("count", steps=200, seconds=0.005, journal=str(tmp_path / "journal"))
    job.progress.connect(lambda fraction, text: seen.append((fraction, text)))
    until(lambda: len(seen) >= 3)
    job.cancel()
    engine.request("echo", value=1).result(10)
    count = len(seen)
    assert seen == sorted(seen)
    assert seen[0][1].startswith("step ")
    engine.request("echo", value=1).result(10)
    assert len(seen) == count


def test_cancelling_a_finished_job_changes_nothing(engine):
    job = engine.request("echo", value=5)
    assert job.result(20) == 5
    job.cancel()
    assert job.result(0) == 5
