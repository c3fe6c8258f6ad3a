"""Processed samples are kept, never stale, never damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import Cache, Disk, Image, Memory, Off, Value

VALUES: list[Value] = [
    Image(np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4), Geometry.plain((2, 3, 4), (3.0, 0.5, 0.1))),
    Image(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), Geometry.plain((2, 3))),
    np.array([1.5, -2.0], np.float32), 7, 0.25,
]  # fmt: skip


def never() -> Value:
    raise AssertionError("the value should have been kept")


def same(one: Value, other: Value) -> bool:
    if isinstance(one, Image) and isinstance(other, Image):
        return one.geometry == other.geometry and same(one.array, other.array)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kind", [Disk, Memory])
def test_what_is_kept_comes_back(tmp_path: Path, value: Value, kind: type[Cache]) -> None:
    cache = kind.model_validate({"folder": tmp_path} if kind is Disk else {})
    assert same(cache.get("ab" * 32, lambda: value), value)
    assert same(cache.get("ab" * 32, never), value)


def test_off_keeps_nothing() -> None:
    counts = iter((1, 2))
    assert [Off().get("a", lambda: next(counts)) for _ in range(2)] == [1, 2]


def test_the_cache_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path / "mine"))
    Disk().get("cd" * 32, lambda: 3)
    assert (tmp_path / "mine" / "samples" / "cd" / ("cd" * 32)).is_file()


def damage(path: Path, how: Callable[[bytes], bytes]) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(how(data))


@pytest.mark.parametrize("place", [0, 20, 46, 60, 120, -1])
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
                                 lambda data: bytes(len(data)), lambda data: data + b"x"])  # fmt: skip
def test_cut_zeroed_and_grown_entries_heal(tmp_path: Path, how: Callable[[bytes], bytes]) -> None:
    cache = Disk(folder=tmp_path)
    cache.get("ab" * 32, lambda: VALUES[0])
    damage(tmp_path / "ab" / ("ab" * 32), how)
    assert same(cache.get("ab" * 32, lambda: VALUES[0]), VALUES[0])
    assert same(cache.get("ab" * 32, never), VALUES[0])


def test_an_entry_that_cannot_be_written_costs_only_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "ab" / ("ab" * 32)).mkdir(parents=True)
    assert [Disk(folder=tmp_path).get("ab" * 32, lambda: 5) for _ in range(2)] == [5, 5]
    assert "could not be kept" in caplog.text
    assert not list(tmp_path.rglob(".part-*"))


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FuseError, match="cannot hold this kind of array; got object"):
        Disk(folder=tmp_path).get("ab" * 32, lambda: np.array([{}], object))  # type: ignore[arg-type,return-value]


def test_the_oldest_entries_make_room(tmp_path: Path) -> None:
    kilobytes = np.zeros(2500, np.float32)
    cache = Disk(folder=tmp_path, limit_gb=55e-6)
    for number in range(8):
        cache.get(f"{number:02d}" * 32, lambda: kilobytes)
        os.utime(tmp_path / f"{number:02d}" / (f"{number:02d}" * 32), (number, number))
    kept = sorted(path.parent.name for path in tmp_path.glob("*/*"))
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 55_000
    assert kept == ["04", "05", "06", "07"]


def test_memory_forgets_what_was_used_longest_ago() -> None:
    cache = Memory(limit_gb=25e-6)
    kilobytes = np.zeros(2500, np.float32)
    for name in ("a", "b", "a", "c"):
        cache.get(name, lambda: kilobytes)
    assert cache.get("a", never) is kilobytes
    assert cache.get("b", lambda: 1) == 1


_FILL = """
import sys
from pathlib import Path
import numpy as np
from fuse_engine.data import Disk
cache = Disk(folder=Path(sys.argv[1]))
print("ready", flush=True)
input()
for turn in range(5):
    for number in np.random.default_rng(int(sys.argv[2])).permutation(40):
        value = cache.get(f"{number:02d}" * 32, lambda: np.full(20_000, number, np.float32))
        assert value.shape == (20_000,) and (value == number).all()
        if turn < 4 and number % 7 == turn:
            (Path(sys.argv[1]) / f"{number:02d}" / (f"{number:02d}" * 32)).unlink(missing_ok=True)
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
