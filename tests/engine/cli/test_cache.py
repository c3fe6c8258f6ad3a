"""`fuse-gui cache` lists, prunes and says what changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.cli import main
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Return the file of an experiment whose four samples are kept."""
    lines = ["id,image"]
    for n in range(4):
        sitk.WriteImage(sitk.GetImageFromArray(np.full((8, 8), n, np.uint8)), str(tmp_path / f"{n}.png"))
        lines.append(f"s{n},{n}.png")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path / "study.yaml"
    path.write_text("""
name: study
data:
  source: {Table: {path: cohort.csv}}
  input: {image: [LoadImage, {IntensityWindow: {window: [0, 4]}}]}
  cache: {Disk: {folder: kept}}
model: None
""", encoding="utf-8")  # fmt: skip
    dataset = Dataset.from_experiment(Experiment.load(path))
    for name in dataset.ids:
        dataset.sample(name)
    return path


def test_list(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = str(experiment.parent / "kept")
    assert main(["cache", "list", "--folder", kept]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["EXPERIMENT", "KEY", "ENTRIES", "GB", "DAYS", "UNUSED"]
    assert lines[1].split()[:2] == ["study", "data.input.image"]
    assert main(["cache", "list", "--folder", kept, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["entries"] == found["experiments"][0]["entries"] >= 4
    assert found["bytes"] == found["experiments"][0]["bytes"]


def test_changes(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "changes", str(experiment)]) == 0
    assert "4 of 4 samples of data.input.image are kept\n4 samples are ready" in capsys.readouterr().out
    words = [
        "cache",
        "changes",
        str(experiment),
        "--data.input.image.1.IntensityWindow.window",
        "[0, 2]",
        "--json",
    ]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["missing"] == 4
    assert "step 1 IntensityWindow: window [0.0, 4.0] -> [0.0, 2.0] (all)" in found["changes"][0]


def test_prune(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = experiment.parent / "kept"
    entries = sorted(kept.glob("?/*"))
    os.utime(entries[0], (1, 1))
    assert main(["cache", "prune", "--older-than", "2", "--folder", str(kept)]) == 0
    assert sorted(kept.glob("?/*")) == entries[1:]
    assert main(["cache", "prune", "--limit-gb", "0.000009", "--folder", str(kept)]) == 0
    assert len(list(kept.glob("?/*"))) == 2
    assert main(["cache", "prune", "--all", "--folder", str(kept)]) == 0
    assert [path for path in kept.rglob("*") if path.is_file()] == []
    assert "removed 2 entries" in capsys.readouterr().out
    assert len(list(experiment.parent.glob("*.png"))) == 4


def test_what_is_not_a_cache_is_left_alone(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(experiment.parent.rglob("*"))
    assert main(["cache", "prune", "--all", "--folder", str(experiment.parent)]) == 1
    assert "holds what is no cached sample" in capsys.readouterr().err
    assert main(["cache", "prune", "--folder", str(experiment.parent)]) == 2
    assert main(["cache", "prune", "--limit-gb", "-1", "--folder", str(experiment.parent / "kept")]) == 1
    assert main(["cache", "list", "--folder", str(experiment.parent / "none")]) == 1
    assert main(["cache"]) == 2
    assert sorted(experiment.parent.rglob("*")) == before
