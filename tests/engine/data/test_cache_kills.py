"""Processes that fill one cache at once and are killed at any moment leave it complete and correct."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset, Disk, Image
from fuse_engine.data.cache import folder
from fuse_engine.data.cache.changes import status
from fuse_engine.data.cache.folder import stored, sweep


def arrays(experiment: Experiment) -> dict[tuple[str, str], np.ndarray]:  # type: ignore[type-arg]
    dataset = Dataset.from_experiment(experiment)
    images = ("data.input.image", "data.gt.segmentation")
    found = {(name, key): dataset.value(name, key) for name in dataset.ids for key in images}
    return {place: value.array for place, value in found.items() if isinstance(value, Image)}


def test_kills_and_two_processes_at_once_leave_every_entry_right(study: Experiment) -> None:
    study = study.changed(("data", "cache", "Disk", "folder"), str(study.folder / "shared"))
    path = study.folder / "study.yaml"
    study.save(path)
    script = str(Path(__file__).with_name("killing.py"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    kills = os.environ.get("FUSE_KILLS", "4")
    runs = [
        subprocess.Popen([sys.executable, script, str(path), kills, str(seed)], env=environment)
        for seed in range(2)
    ]
    assert [run.wait(200) for run in runs] == [0, 0]
    kept, computed = arrays(study), arrays(study.changed(("data", "cache"), "Off"))
    assert len(kept) == 12
    assert all(np.array_equal(kept[place], computed[place]) for place in computed)
    assert status(Dataset.from_experiment(study)).missing == 0
    assert len(stored(study.folder / "shared")) >= 12
    for partial in (study.folder / "shared").rglob(".part-*"):
        os.utime(partial, (1, 1))
    Disk(folder=study.folder / "shared").keep("ab" * 32, 1)
    assert not list((study.folder / "shared").rglob(".part-*"))


def test_what_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    young, old = tmp_path / "a" / ".part-young", tmp_path / "a" / ".part-old"
    for file in (young, old):
        file.write_bytes(b"part")
    age = young.stat().st_mtime - folder._STALE - 1
    os.utime(old, (age, age))
    sweep(tmp_path)
    assert young.exists()
    assert not old.exists()
