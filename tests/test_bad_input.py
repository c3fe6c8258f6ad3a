"""Bad input, told once in the shell and once in the panel: one clear message, and the program goes on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.cli import main
from fuse_engine.core.health import CHECKS
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from tests.gui_runs import wait_for

PATIENCE = 120.0
FIRST = "s00"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def missing_image(folder: Path) -> None:
    (folder / "image00.png").unlink()


def duplicate_id(folder: Path) -> None:
    edit(folder / "cohort.csv", "s01,", "s00,")


def label_outside(folder: Path) -> None:
    edit(folder / "cohort.csv", ",normal,", ",norml,")


def key_nobody_produces(folder: Path) -> None:
    edit(folder / "tiny.yaml", "tabular: [data.input.clinical]", "tabular: [data.input.clincal]")


def truncated_volume(folder: Path) -> None:
    volume = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 255, (8, 32, 32), dtype=np.uint8))
    sitk.WriteImage(volume, str(folder / "whole.nii.gz"))
    raw = gzip.decompress((folder / "whole.nii.gz").read_bytes())
    (folder / "cut.nii.gz").write_bytes(gzip.compress(raw[: len(raw) // 2]))
    edit(folder / "cohort.csv", "image00.png", "cut.nii.gz")


def unknown_component(folder: Path) -> None:
    edit(folder / "tiny.yaml", "{ResNet:", "{ResNat:")


CASES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "missing image": (missing_image, [FIRST, "image00.png"]),
    "duplicate id": (duplicate_id, ["s00", "cohort.csv"]),
    "label outside": (label_outside, [FIRST, "norml", "normal"]),
    "key nobody produces": (key_nobody_produces, ["data.input.clincal", "data.input.clinical", "tabular"]),
    "truncated volume": (truncated_volume, [FIRST, "cut.nii.gz"]),
    "unknown component": (unknown_component, ["ResNat", "ResNet", "backbone"]),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES)
def test_in_the_shell(
    case: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fuse_engine.service.client.Engine", lambda **_: engine)
    monkeypatch.setattr(engine, "close", lambda: None)
    tiny_experiment(tmp_path)
    spoil, words = CASES[case]
    spoil(tmp_path)
    assert main(["validate", str(tmp_path / "tiny.yaml")]) == 1
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if line]
    assert any(all(word in line for word in words) for line in lines), lines
    assert "Traceback" not in said.out + said.err


def told(panel: DataModel) -> str:
    return "\n".join([panel.strip.text, *map(panel.health.help, CHECKS)])


@pytest.mark.parametrize("case", CASES)
def test_in_the_panel(case: str, tmp_path: Path, engine: Engine) -> None:
    tiny_experiment(tmp_path / "good")
    tiny_experiment(tmp_path / "bad")
    spoil, words = CASES[case]
    spoil(tmp_path / "bad")
    project = Project(engine)
    panel = DataModel(project)
    try:
        panel.open(tmp_path / "bad" / "tiny.yaml")
        if case == "truncated volume":
            project.select(FIRST)
        wait_for(lambda: all(word in told(panel) for word in words), PATIENCE)
        assert "Traceback" not in panel.strip.text

        panel.open(tmp_path / "good" / "tiny.yaml")
        wait_for(lambda: "16 samples" in panel.summary and not panel.strip.text, PATIENCE)
        project.select("s02")
        wait_for(lambda: "segmentation" in str(panel.sections), PATIENCE)
    finally:
        project.close()
