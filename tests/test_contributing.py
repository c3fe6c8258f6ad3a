"""The code on the CONTRIBUTING page works as the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fuse_engine.testing import tiny_experiment

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
YAML = re.search(r"```yaml\nlosses:\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    assert CODE is not None
    assert YAML is not None
    tiny_experiment(tmp_path)
    text = (tmp_path / "tiny.yaml").read_text().replace("losses:\n", f"losses:\n{YAML.group(1)}")
    (tmp_path / "experiment.yaml").write_text(text)
    (tmp_path / "brier.py").write_text(CODE.group(1))
    return tmp_path


KNEES = """
import torch

class KneeDataset(torch.utils.data.TensorDataset):
    targets = [0, 1, 0, 1]

    def __init__(self, root):
        super().__init__(torch.rand(4, 1, 16, 16), torch.tensor(self.targets))
"""


def fuse_gui(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "FUSE_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "fuse_engine.cli", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_loss_of_ones_own_is_short() -> None:
    assert CODE is not None
    assert CODE.group(1).count("\n") < 20


def test_a_loss_of_ones_own_is_validated_and_catalogued(page: Path) -> None:
    without = fuse_gui(page, "validate", "experiment.yaml")
    assert without.returncode == 1
    assert "unknown loss 'Brier'" in without.stderr + without.stdout
    known = fuse_gui(page, "validate", "experiment.yaml", "--components", "brier.py")
    assert known.returncode == 0, known.stderr
    listed = fuse_gui(page, "catalog", "loss", "--components", "brier.py")
    assert "loss\tBrier\tSquared distance between" in listed.stdout


def test_a_loss_of_ones_own_is_in_the_form_and_trains(page: Path) -> None:
    shown = fuse_gui(page, "catalog", "loss", "--json", "--components", "brier.py")
    entry = next(item for item in json.loads(shown.stdout) if item["name"] == "Brier")
    assert [field["name"] for field in entry["fields"]][:3] == ["pred", "target", "weight"]
    trained = fuse_gui(
        page, "train", "experiment.yaml", "--components", "brier.py", "--training.stages=[{epochs: 1}]"
    )
    assert trained.returncode == 0, trained.stderr


def test_a_torch_dataset_of_ones_own_is_a_source(page: Path) -> None:
    block = re.search(r"```python\n([^`]*WrapDataset.*?)```", PAGE, re.DOTALL)
    assert block is not None
    (page / "source.py").write_text(block.group(1))
    (page / "knees.py").write_text(KNEES)
    done = fuse_gui(
        page, "doctor", "experiment.yaml", "--components", "brier.py", "--components", "source.py",
        "--data.source={Knees: {root: .}}", '--data.input={image: [{Element: {part: "0"}}]}',
        '--data.gt={finding: [{Label: {column: target, classes: ["0", "1"]}}]}',
    )  # fmt: skip
    assert done.stdout.startswith("4 samples"), done.stderr
    assert done.returncode == 0, done.stdout
