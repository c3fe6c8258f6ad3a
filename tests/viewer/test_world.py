"""napari draws a layer where its scale and translate say: index times scale plus translate, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import canonical
from fuse_gui.models.screen import Picture
from fuse_gui.viewer.layers import build, flat


@pytest.mark.parametrize("direction", [(0, 0, 1, -1, 0, 0, 0, 1, 0), (0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, -1)])
@pytest.mark.parametrize("label", [False, True])
def test_the_world_of_a_layer(direction: tuple[float, ...], label: bool) -> None:
    grid = Geometry((7, 6, 5), (0.9, 1.2, 1.5), (-30.0, 12.0, 7.0), direction)
    array = np.zeros((1, *grid.shape), np.uint8 if label else np.float32)
    turned = canonical(array, grid)
    layer = build(
        "gt" if label else "image", flat(turned.array, label, {}), Picture(array, grid, label), turned, {}
    )
    for index in ((0, 0, 0), (1, 2, 3)):
        expected = np.asarray(index) * turned.scale + turned.translate
        np.testing.assert_allclose(layer.data_to_world(index), expected, atol=1e-9)
