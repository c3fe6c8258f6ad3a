"""Processed samples are kept, never stale, never damaged."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Cache, Dataset, Disk, Image, Memory, Off, Value
from fuse_engine.data.cache.folder import prune, stored

VALUES: list[Value] = [
    Image(np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4), Geometry.plain((2, 3, 4), (3.0, 0.5, 0.1))),
    Image(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), Geometry.plain((2, 3))),
    np.array([1.5, -2.0], np.float32), np.array([1, 258], ">i2"), np.zeros((0, 3), np.float32),
    7, 0.25, "left", "",
]  # fmt: skip


def never() -> Value:
    raise AssertionError("the value should have been kept")


def same(one: Value, other: Value) -> bool:
    if isinstance(one, Image) and isinstance(other, Image):
        return one.geometry == other.geometry and same(one.array, other.array)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype.newbyteorder("=") and np.array_equal(one, other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kind", [Disk, Memory])
def test_what_is_kept_comes_back(tmp_path: Path, value: Value, kind: type[Cache]) -> None:
    cache = kind.model_validate({"folder": tmp_path} if kind is Disk else {})
    assert cache.get("ab" * 32, lambda: value) is value
    if kind is Disk:
        assert same(cache.get("ab" * 32, never), value)
        assert same(Disk(folder=tmp_path).get("ab" * 32, never), value)
    else:
        assert cache.get("ab" * 32, never) is value
    assert list(cache.sizes()) == ["ab" * 32]


def test_off_keeps_nothing() -> None:
    counts = iter((1, 2))
    assert [Off().get("a", lambda: next(counts)) for _ in range(2)] == [1, 2]


def test_the_cache_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "mine"))
    Disk().get("cd" * 32, lambda: 3)
    assert (tmp_path / "mine" / "samples" / "c" / ("cd" * 32)).is_file()


def test_a_relative_folder_is_below_the_experiment(study: Experiment, tmp_path: Path) -> None:
    study = study.changed(("data", "cache", "Disk", "folder"), "mine")
    Dataset.from_experiment(study).sample("s0")
    assert list((tmp_path / "mine").glob("?/*"))


def damage(path: Path, how: Callable[[bytes], bytes]) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(how(data))


@pytest.mark.parametrize("place", [0, 15, 19, 30, 150, 300, -1])
def test_a_flipped_bit_anywhere_is_found_and_healed(tmp_path: Path, place: int) -> None:
    Disk(folder=tmp_path).get("ab" * 32, lambda: VALUES[0])
    (path,) = tmp_path.glob("*/*")

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    damage(path, flip)
    assert same(Disk(folder=tmp_path).get("ab" * 32, lambda: VALUES[0]), VALUES[0])
    assert same(Disk(folder=tmp_path).get("ab" * 32, never), VALUES[0])


@pytest.mark.parametrize("how", [lambda data: b"", lambda data: data[:-3], lambda data: data[:30],
                                 lambda data: bytes(len(data)), lambda data: data + b"x",
                                 lambda data: b"FUSE sample 1" + data[13:]])  # fmt: skip
def test_cut_zeroed_and_grown_entries_heal(tmp_path: Path, how: Callable[[bytes], bytes]) -> None:
    cache = Disk(folder=tmp_path)
    cache.get("ab" * 32, lambda: VALUES[0])
    damage(tmp_path / "a" / ("ab" * 32), how)
    assert same(cache.get("ab" * 32, lambda: VALUES[0]), VALUES[0])
    assert same(cache.get("ab" * 32, never), VALUES[0])


def test_an_entry_that_cannot_be_written_costs_only_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a" / ("ab" * 32)).mkdir(parents=True)
    assert [Disk(folder=tmp_path).get("ab" * 32, lambda: 5) for _ in range(2)] == [5, 5]
    assert "could not be kept" in caplog.text
    assert not list(tmp_path.rglob(".part-*"))


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FuseError, match="cannot hold this kind of array; got object"):
        Disk(folder=tmp_path).get("ab" * 32, lambda: np.array([{}], object))  # type: ignore[arg-type,return-value]


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = Disk(folder=tmp_path / "file")
    assert [cache.get(f"{n:02d}" * 32, lambda: 5) for n in range(3)] == [5, 5, 5]
    assert caplog.text.count("could not be kept") == 1


def test_a_full_disk_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fuse_engine.data.cache.disk.atomic_write", full)
    cache = Disk(folder=tmp_path)
    assert [cache.get("ab" * 32, lambda: 5) for _ in range(3)] == [5, 5, 5]
    assert caplog.text.count("No space left") == 1


def test_a_cache_of_others_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Disk(folder=tmp_path).get("ab" * 32, lambda: VALUES[0])

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    assert same(Disk(folder=tmp_path).get("ab" * 32, never), VALUES[0])


@pytest.mark.parametrize("local", [True, False])
def test_what_comes_back_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    monkeypatch.setattr("fuse_engine.data.cache.disk.is_local", lambda folder: local)
    Disk(folder=tmp_path).get("ab" * 32, lambda: VALUES[0])
    found = Disk(folder=tmp_path).find("ab" * 32)
    assert isinstance(found, Image)
    with pytest.raises(ValueError, match="read-only"):
        found.array[0] = 1
    assert found.array.ctypes.data % 64 == 0 or not local


def test_a_map_keeps_no_file_open_and_outlives_its_file(tmp_path: Path) -> None:
    cache, opened = Disk(folder=tmp_path), len(os.listdir("/proc/self/fd"))
    for number in range(50):
        cache.keep(f"{number:02d}" * 32, np.full(5000, number, np.float32))
        cache.find(f"{number:02d}" * 32)
    assert len(os.listdir("/proc/self/fd")) == opened
    prune(stored(tmp_path), 0)
    assert same(cache.get("07" * 32, never), np.full(5000, 7, np.float32))


def test_the_limit_is_never_passed_and_what_was_unused_longest_goes(tmp_path: Path) -> None:
    kilobytes = np.zeros(2500, np.float32)
    cache = Disk(folder=tmp_path, limit_gb=55e-6)
    for number in range(8):
        cache.get(f"{number:02d}" * 32, lambda: kilobytes)
        os.utime(tmp_path / "0" / (f"{number:02d}" * 32), (number, number))
        assert sum(cache.sizes().values()) <= 55_000
    assert sorted(cache.sizes()) == [f"{number:02d}" * 32 for number in (4, 5, 6, 7)]
    Disk(folder=tmp_path).find("04" * 32)  # used again, so now it is the newest
    cache.get("08" * 32, lambda: kilobytes)
    assert sorted(cache.sizes()) == [f"{number:02d}" * 32 for number in (4, 6, 7, 8)]


def test_what_is_too_large_pushes_nothing_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for cache in (Disk(folder=tmp_path, limit_gb=55e-6), Memory(limit_gb=55e-6)):
        cache.keep("aa" * 32, 1)
        cache.keep("bb" * 32, np.zeros(25_000, np.float32))
        assert list(cache.sizes()) == ["aa" * 32]
    assert "larger than the cache may be" in caplog.text


def test_memory_forgets_what_was_used_longest_ago() -> None:
    cache = Memory(limit_gb=25e-6)
    kilobytes = np.zeros(2500, np.float32)
    for name in ("a", "b", "a", "c"):
        cache.get(name, lambda: kilobytes)
        assert sum(cache.sizes().values()) <= 25_000
    assert cache.get("a", never) is kilobytes
    assert cache.get("b", lambda: 1) == 1


_FILL = """
import sys
from pathlib import Path
import numpy as np
from fuse_engine.data import Disk
print("ready", flush=True)
input()
for turn in range(5):
    cache = Disk(folder=Path(sys.argv[1]))
    for number in np.random.default_rng(int(sys.argv[2])).permutation(40):
        value = cache.get(f"{number:02d}" * 32, lambda: np.full(20_000, number, np.float32))
        assert value.shape == (20_000,) and (value == number).all()
        if turn < 4 and number % 7 == turn:
            (Path(sys.argv[1]) / f"{number:02d}"[0] / (f"{number:02d}" * 32)).unlink(missing_ok=True)
"""


def test_two_processes_may_fill_it_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _FILL, str(tmp_path), str(seed)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for seed in range(2)
    ]  # fmt: skip
    assert [run.stdout.readline() for run in runs if run.stdout] == ["ready\n"] * 2
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    assert [run.communicate(timeout=60)[1] for run in runs] == ["", ""]
    assert [run.returncode for run in runs] == [0, 0]
    cache = Disk(folder=tmp_path)
    assert all(same(cache.get(f"{n:02d}" * 32, never), np.full(20_000, n, np.float32)) for n in range(40))
    assert not list(tmp_path.rglob(".part-*"))


def test_an_entry_that_another_process_removes_at_once_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write_and_lose(path: Path, *arguments: object, **options: object) -> None:
        assert path.parent.is_dir()

    monkeypatch.setattr("fuse_engine.data.cache.disk.atomic_write", write_and_lose)
    cache = Disk(folder=tmp_path)
    (tmp_path / "a").mkdir()
    assert cache.get("a" * 64, lambda: 1) == 1
    assert not caplog.records
    monkeypatch.undo()
    assert cache.get("a" * 64, lambda: 2) == 2
    assert cache.get("a" * 64, never) == 2
