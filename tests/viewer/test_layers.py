"""Pictures become layers that stay, at the right place in the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import canonical
from fuse_gui.models.screen import Screen
from fuse_gui.viewer.layers import Layers

pytestmark = pytest.mark.napari

ORIENTATIONS = ("LPS", "RAS", "LPI", "PIR", "ASR", "SAL")


def geometry_of(image: sitk.Image) -> Geometry:
    return Geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def show(screen: Screen, name: str, image: sitk.Image, label: bool = False) -> None:
    screen.show(name, sitk.GetArrayFromImage(image)[None], geometry_of(image), label)


def assert_in_place(layers: Layers, screen: Screen, name: str, image: sitk.Image) -> None:
    layer, picture = layers.layer(name), screen.picture(name)
    assert layer is not None
    assert picture is not None
    turned = canonical(picture.array, picture.geometry)
    rng = np.random.default_rng(0)
    for _ in range(20):
        index = tuple(int(rng.integers(size)) for size in layer.data.shape)
        source = turned.original(index)
        point = image.TransformIndexToPhysicalPoint(tuple(reversed(source)))
        assert layer.data[index] == sitk.GetArrayViewFromImage(image)[source]
        np.testing.assert_allclose(layer.data_to_world(index), tuple(reversed(point)), atol=1e-9)


def test_brain_and_label_lie_where_simpleitk_says(viewer: Any, real_data: Path) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    image = sitk.ReadImage(str(real_data / "brain_mr" / "brain1_image.nrrd"))
    label = sitk.ReadImage(str(real_data / "brain_mr" / "brain1_label.nrrd"))
    show(screen, "image", image)
    show(screen, "gt", label, label=True)
    assert_in_place(layers, screen, "image", image)
    assert_in_place(layers, screen, "gt", label)
    assert [str(unit) for unit in viewer.layers[0].units] == ["millimeter"] * 3


def test_every_orientation_is_drawn_in_place_and_upright(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    image = sitk.GetImageFromArray(np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6))
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((-12.5, 40.25, 7.0))
    for code in ORIENTATIONS:
        turned = sitk.DICOMOrient(image, code)
        show(screen, "image", turned)
        assert_in_place(layers, screen, "image", turned)
        drawn = layers.layer("image")
        assert drawn is not None
        np.testing.assert_array_equal(drawn.data, sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS")))
    assert len(viewer.layers) == 1


def test_oblique_keeps_its_centre_and_says_so(viewer: Any) -> None:
    image = sitk.Image((5, 5, 3), sitk.sitkFloat32)
    cos, sin = np.cos(np.radians(10)), np.sin(np.radians(10))
    image.SetDirection((cos, -sin, 0, sin, cos, 0, 0, 0, 1))
    image.SetOrigin((3, 4, 5))
    screen = Screen()
    layers = Layers(viewer, screen)
    show(screen, "image", image)
    layer = layers.layer("image")
    assert layer is not None
    assert layer.metadata["oblique_degrees"] == pytest.approx(10, abs=1e-3)
    centre = image.TransformContinuousIndexToPhysicalPoint((2, 2, 1))
    np.testing.assert_allclose(layer.data_to_world((1, 2, 2)), tuple(reversed(centre)), atol=1e-9)


def test_layers_stay_when_samples_change_and_the_users_are_left_alone(viewer: Any) -> None:
    mine = viewer.add_image(np.ones((8, 8)), name="mine")
    screen = Screen()
    layers = Layers(viewer, screen)
    rng = np.random.default_rng(1)
    kept = []
    for size in range(10, 20):
        geometry = Geometry.plain((size, size), (0.5, 0.5))
        screen.show("image", rng.random((1, size, size), np.float32), geometry)
        screen.show("gt", rng.integers(0, 2, (1, size, size)), geometry, label=True)
        kept.append((layers.layer("image"), layers.layer("gt")))
    assert len(set(kept)) == 1
    assert [layer.name for layer in viewer.layers] == ["fuse:image", "fuse:gt", "mine"]
    assert viewer.layers["mine"] is mine
    assert viewer.layers["fuse:image"].data.shape == (19, 19)


def test_contrast_is_set_with_the_sample_and_then_the_persons(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    geometry = Geometry.plain((2, 2))
    screen.show("image", np.array([[[0, 1], [2, 4]]], np.float32), geometry)
    layer: Any = layers.layer("image")
    assert layer.contrast_limits == [0, 4]
    layer.contrast_limits = (1, 2)
    screen.restyle("image", opacity=0.5)
    assert (layer.contrast_limits, layer.opacity) == ([1, 2], 0.5)
    screen.show("image", np.array([[[0, 9], [2, 4]]], np.float32), geometry)
    assert layer.contrast_limits == [0, 9]


def test_volumes_and_colour_pictures_take_turns(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    screen.show("image", np.zeros((3, 6, 7), np.float32), Geometry.plain((6, 7)))
    layer: Any = layers.layer("image")
    assert layer.rgb
    screen.show("image", np.zeros((1, 4, 6, 7), np.float32), Geometry.plain((4, 6, 7), (3, 1, 1)))
    layer = layers.layer("image")
    assert (layer.rgb, layer.data.shape) == (False, (4, 6, 7))
    assert len(viewer.layers) == 1
    assert viewer.dims.current_step[0] == 2


def test_what_was_of_another_grid_does_not_stretch_the_view(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    volume, plane = Geometry.plain((4, 6, 7), (3, 1, 1)), Geometry.plain((20, 20), (0.5, 0.5))
    screen.show("image", np.zeros((1, 4, 6, 7), np.float32), volume)
    screen.show("pred", np.ones((1, 4, 6, 7), np.int64), volume, label=True)
    screen.clear()
    screen.show("image", np.zeros((1, 20, 20), np.float32), plane)
    assert (viewer.dims.ndim, layers.layer("pred")) == (2, None)
    np.testing.assert_allclose(viewer.scene.camera.center[1:], (4.75, 4.75), atol=0.3)
    screen.show("pred", np.ones((1, 20, 20), np.int64), plane, label=True)
    assert layers.layer("pred") in viewer.layers


def test_what_is_hidden_comes_back_as_the_person_left_it(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    geometry = Geometry.plain((4, 4))
    mask = np.ones((1, 4, 4), np.int64)
    screen.show("pred", mask, geometry, label=True)
    layer: Any = layers.layer("pred")
    screen.hide("pred")
    assert not layer.visible
    screen.show("pred", mask, geometry, label=True)
    assert layer.visible
    layer.visible = False
    screen.hide("pred")
    screen.show("pred", mask.copy(), geometry, label=True)
    assert not layer.visible


def test_a_layer_the_person_removed_is_made_anew(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    screen.show("heat", np.zeros((1, 4, 4), np.float32), Geometry.plain((4, 4)))
    viewer.layers.clear()
    assert layers.layer("heat") is None
    screen.show("heat", np.ones((1, 4, 4), np.float32), Geometry.plain((4, 4)))
    assert [layer.name for layer in viewer.layers] == ["fuse:heat"]


def test_another_sample_is_looked_at_in_its_middle(viewer: Any) -> None:
    screen = Screen()
    layers = Layers(viewer, screen)
    for size, spacing, origin in (((6, 8, 25), 6.5, -78.0), ((10, 12, 21), 2.1, 9.5), ((6, 8, 31), 3.0, 40.0)):
        for name in ("image", "gt"):
            image = sitk.GetImageFromArray(np.zeros(size[::-1], np.uint8))
            image.SetSpacing((1.0, 1.0, spacing))
            image.SetOrigin((origin, origin, origin))
            show(screen, name, image, label=name == "gt")
        layer = layers.layer("image")
        assert layer is not None
        middle = np.divide(layer.extent.world.sum(axis=0), 2)
        steps = layer.scale / 2 + 1e-6
        assert (np.abs(np.subtract(viewer.dims.point, middle)) <= steps).all(), "along displayed axes as well"
