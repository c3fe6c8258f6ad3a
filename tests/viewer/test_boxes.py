"""Patch and receptive field over the image: in mm, on the slices they reach, in a layer that stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.boxes import BoxesModel
from fuse_gui.models.graph import Extent, Graph
from fuse_gui.models.graph_model import GraphModel
from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from fuse_gui.viewer.boxes import BoxLayer
from fuse_gui.viewer.layers import Layers
from tests.gui_engine import FakeEngine
from tests.gui_toys import CATALOG

pytestmark = pytest.mark.napari

PATCH = Extent((8, 10, 12), (16.0, 10.0, 6.0))
"""z, y, x as stored."""
FIELD = Extent((99, 99, 99), (198.0, 99.0, 49.5))
VOLUME = Geometry.plain((16, 20, 24), (2.0, 1.0, 0.5))
TURNED = Geometry((24, 20, 16), (0.5, 1.0, 2.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
"""x of the array runs along the patient's y, y along z, z along x."""


@pytest.fixture
def boxes(viewer: Any) -> Iterator[BoxesModel]:
    project = Project(FakeEngine(), call_now, CATALOG)  # type: ignore[arg-type]
    graph = GraphModel(project)
    model = BoxesModel(project, graph)
    model.kept = (Layers(viewer, project.screen), BoxLayer(viewer, model))  # type: ignore[attr-defined]
    graph.graph = Graph(patch=PATCH, receptive_field=FIELD)
    yield model
    project.close()


def show(model: BoxesModel, geometry: Geometry) -> None:
    model.project.screen.show("image", np.zeros((1, *geometry.shape), np.float32), geometry)


def extent(line: Any) -> list[tuple[float, float]]:
    return [(round(float(line[:, axis].min()), 3), round(float(line[:, axis].max()), 3)) for axis in range(3)]


def test_the_boxes_lie_around_the_middle_in_mm(viewer: Any, boxes: BoxesModel) -> None:
    show(boxes, VOLUME)
    boxes.set_on(True)
    layer = viewer.layers["fuse:boxes"]
    middle = viewer.dims.point[0]
    assert extent(layer.data[0]) == [(middle, middle), (9.5 - 5, 9.5 + 5), (5.75 - 3, 5.75 + 3)]
    assert extent(layer.data[1]) == [(middle, middle), (-0.5, 19.5), (-0.25, 11.75)]
    assert boxes.text == "Drawn: patch (blue); receptive field (yellow, larger than the image)"
    assert layer.data_to_world((0, 0, 0)) == (0, 0, 0)


def test_a_turned_volume_turns_the_boxes_with_it(viewer: Any, boxes: BoxesModel) -> None:
    show(boxes, TURNED)
    boxes.set_on(True)
    patch = boxes.boxes[0]
    sizes = [round(high - low, 3) for low, high in zip(patch.low, patch.high, strict=True)]
    assert sizes == [10.0, 6.0, 16.0]


def test_a_slice_beside_the_patch_shows_no_patch(viewer: Any, boxes: BoxesModel) -> None:
    show(boxes, VOLUME)
    boxes.set_on(True)
    layer = viewer.layers["fuse:boxes"]
    assert len(layer.data) == 2
    viewer.dims.set_point(0, 2.0)
    assert len(layer.data) == 1
    viewer.dims.ndisplay = 3
    assert len(layer.data) == 24
    viewer.dims.ndisplay = 2


def test_the_layer_stays_and_the_users_choice_with_it(viewer: Any, boxes: BoxesModel) -> None:
    mine = viewer.add_image(np.ones((16, 20, 24)), name="mine")
    show(boxes, VOLUME)
    viewer.layers.selection = {mine}
    boxes.set_on(True)
    layer = viewer.layers["fuse:boxes"]
    boxes.set_on(False)
    assert not layer.visible
    show(boxes, Geometry.plain((30, 30, 30), (1.0, 1.0, 1.0)))
    boxes.set_on(True)
    assert (viewer.layers["fuse:boxes"], layer.visible) == (layer, True)
    assert viewer.layers.selection == {mine}
    assert [each.name for each in viewer.layers].count("fuse:boxes") == 1


def test_a_flat_image_after_a_volume_gets_flat_boxes(viewer: Any, boxes: BoxesModel) -> None:
    show(boxes, VOLUME)
    boxes.set_on(True)
    show(boxes, Geometry.plain((20, 24), (1.0, 0.5)))
    assert boxes.boxes == ()
    boxes._graph.graph = Graph(patch=Extent((10, 12), (10.0, 6.0)))
    boxes._graph.changed.emit()
    assert viewer.layers["fuse:boxes"].ndim == 2
    np.testing.assert_allclose(viewer.layers["fuse:boxes"].data[0][:, 0].max(), 14.5)
