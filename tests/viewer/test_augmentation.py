"""What the Augmentation panel shows arrives in the pixels of napari's layers, which stay the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.canonical import canonical
from fuse_gui.models.project import Project
from fuse_gui.viewer.layers import Layers
from fuse_gui.viewer.slices import follow_slices
from tests.gui_augmented import ANSWERS, IMAGE, MASK, RAS
from tests.gui_engine import FakeEngine
from tests.gui_project import open_toy, wait_for

pytestmark = pytest.mark.napari

UPRIGHT = canonical(IMAGE, RAS).array[0]
LABELS = canonical(MASK, RAS).array[0]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(**ANSWERS)


@pytest.fixture
def project(engine: FakeEngine, tmp_path: Path) -> Iterator[Project]:
    made = open_toy(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture
def layers(viewer: Any, project: Project) -> Layers:
    return Layers(viewer, project.screen)


@pytest.fixture
def model(viewer: Any, layers: Layers, project: Project) -> AugmentationModel:
    made = AugmentationModel(project, calm=0.01)
    follow_slices(viewer, made.look)
    project.select("s1")
    made.set_active(True)
    wait_for(lambda: made.is_whole)
    return made


def seen(layers: Layers, name: str = "image") -> Any:
    """Return the pixels that the layer has sent to be drawn."""
    layer: Any = layers.layer(name)
    return np.asarray(layer._slice.image.raw)


def test_planes_are_written_into_the_layers_that_stay(
    viewer: Any, layers: Layers, model: AugmentationModel, engine: FakeEngine
) -> None:
    engine.hold.add("augment")
    before = list(viewer.layers)
    arrays = [layer.data for layer in before]
    for axis, place in ((0, 1), (1, 3), (2, 0)):
        rest = [other for other in range(3) if other != axis]
        viewer.dims.order = (axis, *rest)
        viewer.dims.set_current_step(axis, place)
        model.draw.set_number(axis + 20)
        assert (model.look.axis, model.look.place) == (axis, place)
        np.testing.assert_array_equal(seen(layers), UPRIGHT.take(place, axis) + 1000 * (axis + 20) + 1)
        np.testing.assert_array_equal(seen(layers, "gt"), LABELS.take(place, axis))
    assert list(viewer.layers) == before
    assert all(layer.data is array for layer, array in zip(before, arrays, strict=True))
    viewer.dims.order = (0, 1, 2)


def test_brightness_is_seen_and_the_sample_comes_back_with_its_own(
    layers: Layers, model: AugmentationModel
) -> None:
    layer: Any = layers.layer("image")
    assert layer.contrast_limits == [0, 119], "those of the sample before: a thousand more is white"
    model.draw_wipe(0.5)
    assert seen(layers, "before").shape[-1] == 3
    model.set_active(False)
    curtain: Any = layers.layer("before")
    assert not curtain.visible
    np.testing.assert_array_equal(layer.data, UPRIGHT)
    assert layer.contrast_limits == [0, 119]
