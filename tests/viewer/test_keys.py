"""Single keys in a real viewer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_gui.models.data import DataModel
from fuse_gui.models.project import Project
from fuse_gui.viewer.keys import bind_keys
from fuse_gui.viewer.layers import Layers
from tests.gui_engine import FakeEngine
from tests.gui_runs import toy

pytestmark = pytest.mark.napari


@pytest.fixture
def model(tmp_path: Path) -> Iterator[DataModel]:
    project = Project(FakeEngine(), catalog=Catalog())
    made = DataModel(project)
    made.open(toy(tmp_path))
    yield made
    project.close()


def press(viewer: Any, key: str) -> None:
    handler = viewer.window._qt_viewer.canvas._key_map_handler
    handler.press_key(key)
    handler.release_key(key)


def test_keys_go_through_the_samples_and_switch_the_truth(viewer: Any, model: DataModel) -> None:
    layers = Layers(viewer, model.project.screen)
    bind_keys(viewer, model)
    press(viewer, "D")
    press(viewer, "D")
    assert model.project.sample_id == "s1"
    press(viewer, "A")
    assert model.project.sample_id == "s0"
    truth = layers.layer("gt")
    assert truth is not None
    for active in (None, truth, layers.layer("image")):
        viewer.layers.selection.active = active
        press(viewer, "Space")
        assert not truth.visible
        press(viewer, "Space")
        assert truth.visible


def test_the_eye_of_the_layer_and_the_key_agree(viewer: Any, model: DataModel) -> None:
    layers = Layers(viewer, model.project.screen)
    bind_keys(viewer, model)
    model.step(1)
    truth = layers.layer("gt")
    assert truth is not None
    truth.visible = False
    assert not model.truth_shown
    press(viewer, "Space")
    assert truth.visible
    press(viewer, "Space")
    model.step(1)
    assert not truth.visible, "what was switched off stays off for the next sample"
