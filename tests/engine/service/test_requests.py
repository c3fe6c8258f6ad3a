"""Requests and replies of the engine worker, over a real process."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError, SampleError


def test_values_and_arrays_come_back_as_they_were_sent(engine):
    plain = {"text": "é\n", "list": [1, 2.5, None, True], "nested": {"a": {"b": []}}}
    assert engine.request("echo", value=plain).result(20) == plain
    picture = engine.request("ramp", shape=[2, 3, 4]).result(20)
    assert picture["image"]["array"].dtype == np.float32
    np.testing.assert_array_equal(picture["image"]["array"], np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    np.testing.assert_array_equal(picture["list"][0], np.eye(2))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float64", ">f4"])
def test_every_kind_of_number_keeps_its_type(engine, dtype):
    array = engine.request("ramp", shape=[3, 2], dtype=dtype).result(20)["image"]["array"]
    assert array.dtype == np.dtype(dtype)
    assert array.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_the_callers_array_may_be_written(engine):
    array = engine.request("ramp", shape=[4]).result(20)["image"]["array"]
    array[0] = 7
    assert array[0] == 7


def test_one_warm_process_serves_all_requests(engine):
    assert engine.pid is None
    engine.request("echo", value=1).result(20)
    first = engine.pid
    assert [engine.request("echo", value=n).result(20) for n in range(50)] == list(range(50))
    assert engine.pid == first


def test_what_libraries_print_does_not_reach_the_protocol(engine, tmp_path):
    assert engine.request("noisy").result(20) == ""
    engine.close()
    log = (tmp_path / "cache" / "worker.log").read_text(encoding="utf-8")
    assert "a library prints" in log
    assert "so does its C code" in log


def test_an_error_keeps_its_type_and_every_part(engine):
    with pytest.raises(SampleError) as caught:
        engine.request("bad_sample", id="p7").result(20)
    problem = caught.value.problems[0]
    assert (problem.sample, problem.expected, problem.got, problem.nearest) == ("p7", "one of a, b", "c", "b")


def test_a_mistake_in_a_method_is_an_error_and_the_worker_goes_on(engine, tmp_path):
    with pytest.raises(FuseError, match="bug failed: KeyError"):
        engine.request("bug").result(20)
    assert engine.request("echo", value=1).result(20) == 1
    assert "Traceback" in (tmp_path / "cache" / "worker.log").read_text(encoding="utf-8")


def test_a_reply_that_cannot_be_sent_leaves_no_array(engine):
    with pytest.raises(FuseError, match="half_sent failed: ValueError"):
        engine.request("half_sent").result(20)
    assert [path.suffix for path in engine._worker.arrays.path.iterdir()] == [""]


def test_an_argument_that_is_no_plain_data_is_refused_at_the_call(engine):
    with pytest.raises(TypeError, match="cannot be sent"):
        engine.request("echo", value=object())
    assert engine.request("echo", value=1).result(20) == 1


def test_then_is_called_once_and_a_mistake_in_it_stops_nothing(engine, until, monkeypatch):
    seen, complaints = [], []
    monkeypatch.setattr("threading.excepthook", lambda args: complaints.append(args.exc_type))
    engine.request("echo", value=1, then=lambda reply: 1 / 0)
    engine.request("echo", value=2, then=lambda reply: seen.append((reply.value, reply.error, reply.stale)))
    until(lambda: seen)
    assert seen == [(2, None, False)]
    assert complaints == [ZeroDivisionError]


def test_a_callback_may_wait_for_another_request(engine, until):
    seen = []
    engine.request("echo", value=1, then=lambda reply: seen.append(engine.request("echo", value=2).result(20)))
    until(lambda: seen == [2])


def test_a_closed_engine_says_so_and_fails_what_was_open(engine, tmp_path):
    job = engine.request("count", steps=1000, seconds=0.01, journal=str(tmp_path / "journal"))
    engine.close()
    with pytest.raises(FuseError, match="closed"):
        job.result(5)
    with pytest.raises(FuseError, match="closed"):
        engine.request("echo", value=1)


def test_a_result_that_takes_longer_than_one_waits(engine, tmp_path):
    job = engine.request("count", steps=100, seconds=0.01, journal=str(tmp_path / "journal"))
    with pytest.raises(FuseError, match="within 0.01 s"):
        job.result(0.01)
    assert os.getpid() != engine.pid
