"""The commands of the file menu, as napari carries them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog, QInputDialog

from fuse_engine.core.registry import COMPONENTS_VARIABLE
from fuse_engine.testing import tiny_experiment
from fuse_gui.viewer.session import project_of
from fuse_gui.viewer.waiting import wait_until

pytestmark = pytest.mark.napari

LOSS = '''
"""A loss of the user's own."""

from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register
from fuse_engine.losses.base import Loss


@register
class MenuLoss(Loss):
    """A loss that only this test knows."""

    pred: Key

    def __call__(self, pred):
        return pred.mean()
'''


def execute(command: str) -> None:
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(f"fuse-gui.{command}").result()


def answer(monkeypatch: pytest.MonkeyPatch, dialog: type, question: str, *reply: object) -> None:
    monkeypatch.setattr(dialog, question, staticmethod(lambda *_, **__: reply))


@pytest.fixture
def project(window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv(COMPONENTS_VARIABLE, "")
    tiny_experiment(tmp_path)
    return project_of(window)


def test_open_asks_for_a_file(project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, QFileDialog, "getOpenFileName", str(tmp_path / "tiny.yaml"), "")
    execute("open")
    assert (project.path, project.experiment.name) == (tmp_path / "tiny.yaml", "tiny")
    answer(monkeypatch, QFileDialog, "getOpenFileName", "", "")
    execute("open")
    assert project.path == tmp_path / "tiny.yaml"


def test_new_asks_for_a_preset(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, QInputDialog, "getItem", "mammography", True)
    execute("new")
    assert (project.path, project.experiment.name) == (None, "mammography")


def test_save_asks_for_a_file_once(project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.new("mammography")
    answer(monkeypatch, QFileDialog, "getSaveFileName", str(tmp_path / "mine"), "")
    execute("save")
    assert project.path == tmp_path / "mine.yaml"
    project.edit(("seed",), 7)
    answer(monkeypatch, QFileDialog, "getSaveFileName", "", "")
    execute("save")
    assert "seed: 7" in (tmp_path / "mine.yaml").read_text()


def test_a_component_file_brings_its_components(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(LOSS)
    answer(monkeypatch, QFileDialog, "getOpenFileName", str(path), "")
    execute("components")
    wait_until(lambda: "MenuLoss" in project.catalog.of("loss"), 60, "the new loss")
    assert project.catalog.of("loss")["MenuLoss"].sentence == "A loss that only this test knows."
