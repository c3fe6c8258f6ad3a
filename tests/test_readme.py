"""What the README shows works."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from fuse_engine.augment import Augmenter
from fuse_engine.cli import main
from fuse_engine.core import registry
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.document import parse
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import resolve
from fuse_engine.data import Dataset
from fuse_engine.service.augmentation.subject import augmentations
from fuse_engine.testing import tiny_experiment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
AUGMENTATION = (ROOT / "docs" / "augmentation.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (script,) = (block for block in blocks("python") if "start(" in block)
    tiny_experiment(tmp_path)
    shutil.copy(tmp_path / "tiny.yaml", tmp_path / "my.yaml")
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "README.md", "exec"), {})  # noqa: S102 the script that the page shows
    assert "finished" in capsys.readouterr().out


def test_the_experiment_is_complete() -> None:
    (text,) = blocks("yaml")
    assert set(resolve(Experiment.from_text(text)).below(object, "losses")) == {"cls"}


@pytest.mark.parametrize("text", blocks("yaml", DATA), ids=lambda text: text.split(":")[0])
def test_every_part_of_an_experiment_fits(text: str, tmp_path: Path) -> None:
    whole = tiny_experiment(tmp_path)
    data = {**whole.to_data()["data"], "gt": {}, **parse(text).data}
    kept = {"augmentation": [], "losses": {}, "metrics": {}}
    resolve(whole.with_data({**whole.to_data(), **kept, "data": data}))


def test_the_augmentation_runs_and_every_step_is_named(tmp_path: Path) -> None:
    (text,) = blocks("yaml", AUGMENTATION)
    whole = tiny_experiment(tmp_path)
    experiment = whole.with_data({**whole.to_data(), **parse(text).data})
    sample = Dataset.from_experiment(experiment).fixed.leaves("s02")
    assert Augmenter(augmentations(experiment), 1)(NestedDict(sample), 0)["data.augmentation"]
    assert [name for name in registry.every("augmentation") if f"`{name}`" not in AUGMENTATION] == []


def test_every_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    words = {
        line.split()[1]
        for block in [*blocks("sh"), *blocks("sh", DATA), *blocks("sh", AUGMENTATION)]
        for line in block.splitlines()
        if line.startswith("fuse-gui ")
    }
    assert len(words) >= 8
    for word in words:
        assert main([word, "--help"]) == 0
        assert f"fuse-gui {word}" in capsys.readouterr().out
