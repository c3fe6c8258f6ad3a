from __future__ import annotations

import itertools
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.errors import ExperimentError, FuseError, KeyMissing, Problem, nearest
from fuse_engine.core.files import PARTIAL, atomic_write, sweep_partial
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import seed_of, stream


def test_a_problem_is_one_helpful_line() -> None:
    problem = Problem("unknown", "a.b", "f.yaml:3", "s1", "x or y", "z", "x")
    assert str(problem) == "f.yaml:3: a.b: sample 's1': unknown; expected x or y; got z; did you mean 'x'?"


@pytest.mark.parametrize("kind", [FuseError, ExperimentError, KeyMissing])
def test_errors_survive_pickling(kind: type[FuseError]) -> None:
    error = kind("wrong", where="a.b")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.problems == error.problems


def test_nearest_ignores_case_and_gives_up_on_nonsense() -> None:
    assert nearest("resnet", ["ResNet", "UNet"]) == "ResNet"
    assert nearest("qqqq", ["ResNet"]) == ""
    assert nearest("s17x", (f"s{number}" for number in itertools.count())) == "s17"


def test_streams_differ_by_every_part_and_repeat() -> None:
    keys = [(1, 0, "a", 0), (2, 0, "a", 0), (1, 1, "a", 0), (1, 0, "b", 0), (1, 0, "a", 1), (1, 0, "a", "0")]
    drawn = [stream(*key).random() for key in keys]
    assert len(set(drawn)) == len(keys)
    assert stream(*keys[0]).random() == drawn[0]
    assert 0 <= seed_of("x") < 2**128


def test_a_killed_writer_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    atomic_write(path, b"old")
    code = (
        "import os, signal, sys; from pathlib import Path; from fuse_engine.core.files import atomic_write\n"
        "def write(file):\n    file.write(b'n'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic_write(Path(sys.argv[1]), write)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert [p.name[: len(PARTIAL)] for p in tmp_path.iterdir() if p != path] == [PARTIAL]
    sweep_partial(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_writer_raises_and_cleans_up(tmp_path: Path) -> None:
    def fail(file: object) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        atomic_write(tmp_path / "x", fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, -1, 1]), np.eye(3)[[1, 2, 0]]])
def test_points_are_simpleitks(direction: np.ndarray) -> None:
    image = sitk.Image([4, 5, 6], sitk.sitkUInt8)
    image.SetSpacing((0.5, 2, 3))
    image.SetOrigin((10, -20, 30))
    image.SetDirection(direction.ravel().tolist())
    geometry = Geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    assert geometry.point((1, 2, 3)) == pytest.approx(image.TransformIndexToPhysicalPoint((3, 2, 1)))
    assert geometry.aligned == np.allclose(np.abs(direction), np.eye(3))
    assert Geometry.from_json(geometry.to_json()) == geometry
    assert geometry.shape == (6, 5, 4)
