"""A checkpoint is whole, ours and the newest, or it is not taken."""

from __future__ import annotations

import errno
import io
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from fuse_engine.core.checkpoints import digest
from fuse_engine.core.errors import RunError
from fuse_engine.models.checkpoint import State, load
from fuse_engine.run import checkpoint
from fuse_engine.run.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "checkpoints").mkdir()
    return RunFolder(tmp_path)


def state(step: int) -> State:
    return {"model": {"weight": torch.full((4,), float(step))}, "step": step}


def test_the_last_two_and_the_best_are_kept(run: RunFolder) -> None:
    for step in (1, 2, 3):
        checkpoint.save(run, "last", step, state(step))
        checkpoint.save(run, "best0", step, state(step))
    names = [path.name.rsplit("-", 1)[0] for path in run.every_checkpoint()]
    assert sorted(names) == ["best0-00000003", "last-00000002", "last-00000003"]
    torch.testing.assert_close(load(run.checkpoint("best"))["model"], state(3)["model"])


@pytest.mark.parametrize("harm", [b"", b"\0", None])
def test_damage_is_seen_and_the_one_before_is_taken(run: RunFolder, harm: bytes | None) -> None:
    checkpoint.save(run, "last", 1, state(1))
    path = checkpoint.save(run, "last", 2, state(2))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content) if harm is None else harm)
    said: list[str] = []
    found = checkpoint.load_newest(run, "last", said.append)
    assert found is not None
    assert (found["step"], len(said)) == (1, 1)
    with pytest.raises(RunError, match="is damaged"):
        load(path)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def test_a_foreign_file_is_refused_and_nothing_in_it_runs(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path)
    buffer = io.BytesIO()
    torch.save({"model": Evil()}, buffer)
    for content in (buffer.getvalue(), pickle.dumps(Evil())):
        path = run.checkpoints / f"last-00000009-{digest(content)}.pt"
        path.write_bytes(content)
        with pytest.raises(RunError, match="is not ours"):
            load(path)
    assert not (run.path / "executed").exists()


def test_a_full_disk_is_said_and_the_old_ones_stay(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = checkpoint.save(run, "last", 1, state(1))
    usage = shutil.disk_usage(run.path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(checkpoint.NoSpace, match="no room for a checkpoint; expected .* MB free"):
        checkpoint.save(run, "last", 2, state(2))
    assert run.every_checkpoint() == [first]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_ones(run: RunFolder, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    first = checkpoint.save(run, "last", 1, state(1))

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(checkpoint.NoSpace, match="No space left"):
        checkpoint.save(run, "last", 2, state(2))
    assert [path.name for path in run.checkpoints.iterdir()] == [first.name]
