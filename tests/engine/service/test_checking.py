"""What the worker says of an experiment, computed here without one."""

from __future__ import annotations

import ctypes
import os

import pytest

from fuse_engine.core.errors import SampleError
from fuse_engine.data import LoadImage
from fuse_engine.data.sources.table import Table
from fuse_engine.service.checking import create, review
from fuse_engine.service.identity import identity
from fuse_engine.service.work import Work
from fuse_engine.service.worker import Reader
from fuse_engine.testing import tiny_experiment


@pytest.fixture
def asked(tmp_path):
    tiny = tiny_experiment(tmp_path / "tiny")

    def ask(method, experiment=tiny, **arguments):
        work = Work(1, method.__name__, {}, lambda message: None)
        return method(work, experiment.to_yaml(), str(tiny.folder), **arguments)

    return tiny, ask


def test_a_review_reads_the_source_once(asked, monkeypatch):
    tiny, ask = asked
    read, times = Table.read, []
    monkeypatch.setattr(Table, "read", lambda table, folder: times.append(table.path) or read(table, folder))
    reply = ask(review)
    assert (reply["problems"], reply["warnings"], len(times)) == ([], [], 1)
    assert reply["summary"].startswith("tiny: 16 samples (8 train, 4 validation, 4 test)")
    (tiny.folder / "cohort.csv").unlink()
    (problem,) = ask(review)["problems"]
    assert "cohort.csv" in problem["message"]


def test_samples_whose_loader_dies_are_created_in_the_worker_itself(asked, monkeypatch):
    worker, load = os.getpid(), LoadImage.__call__

    def dying(step, value, row):
        if os.getpid() != worker and row.id == "s05":
            ctypes.string_at(0)
        return load(step, value, row)

    monkeypatch.setattr(LoadImage, "__call__", dying)
    reply = asked[1](create, workers=2)
    assert (reply["samples"], reply["failed"]) == (16, [])


def test_what_a_loader_reads_is_not_what_the_worker_reads(tmp_path, monkeypatch):
    path, sent = tmp_path / "scan.nrrd", []
    path.write_bytes(b"scan")
    outlet = type("Outlet", (), {"send": lambda self, message: sent.append(message)})()
    reader = Reader(outlet, {})
    reader(path)
    reader(None)
    assert sent == [{"reading": str(path)}, {"reading": None}]
    refusing = Reader(outlet, {str(path): identity(path)})
    monkeypatch.setattr("fuse_engine.service.worker.os.getpid", lambda: -1)
    reader(path)
    reader(None)
    with pytest.raises(SampleError, match="ended its reader"):
        refusing(path)
    assert len(sent) == 2
