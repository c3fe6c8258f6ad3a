"""The notebook draws the same screen as the viewer, in plain numpy."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
from PIL import Image

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.palette import class_color, rgb
from fuse_gui.models.screen import Screen
from fuse_gui.notebook.frames import Frames
from fuse_gui.notebook.screen import ScreenView, compose, png
from tests.gui_project import wait_for

GREEN = rgb(class_color("gt", 1))


def flat(shape: tuple[int, ...], value: float = 0.0) -> np.ndarray:
    return np.full((1, *shape), value, np.float32)


def test_gray_values_span_black_to_white() -> None:
    screen = Screen()
    screen.show("image", np.array([[[2.0, 4.0], [3.0, 2.0]]], np.float32), Geometry.plain((2, 2)))
    picture = compose(screen)
    assert picture is not None
    np.testing.assert_array_equal(picture[..., 0], [[0, 255], [128, 0]])


def test_nothing_is_drawn_without_an_image() -> None:
    assert compose(Screen()) is None


def test_pixels_are_square_in_mm() -> None:
    screen = Screen()
    screen.show("image", flat((10, 20)), Geometry.plain((10, 20), (2.0, 0.5)))
    picture = compose(screen)
    assert picture is not None
    assert picture.shape == (40, 20, 3)


def test_a_coarser_overlay_lies_where_its_mm_say() -> None:
    screen = Screen()
    screen.show("image", flat((8, 8)), Geometry.plain((8, 8)))
    coarse = Geometry((2, 2), (4.0, 4.0), (1.5, 1.5), (1.0, 0.0, 0.0, 1.0))
    screen.show("pred", np.array([[[0, 1], [0, 0]]]), coarse, label=True, opacity=1.0)
    picture = compose(screen)
    assert picture is not None
    painted = picture.any(-1)
    assert painted[:4, 4:].all()
    assert painted.sum() == 16


def test_the_truth_is_an_outline() -> None:
    screen = Screen()
    mask = np.zeros((1, 7, 7), np.int64)
    mask[0, 1:6, 1:6] = 1
    screen.show("image", flat((7, 7)), Geometry.plain((7, 7)))
    screen.show("gt", mask, Geometry.plain((7, 7)), label=True, opacity=1.0)
    picture = compose(screen)
    assert picture is not None
    assert tuple(picture[1, 1]) == GREEN
    assert tuple(picture[3, 3]) == (0, 0, 0)


def test_a_turned_volume_is_drawn_upright() -> None:
    values = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    turned = Geometry((4, 3, 2), (1.0, 1.0, 1.0), (3.0, 0.0, 0.0), (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    upright, flipped = Screen(), Screen()
    upright.show("image", values, Geometry.plain((2, 3, 4)))
    flipped.show("image", values[..., ::-1], turned)
    first, second = compose(upright, 1), compose(flipped, 1)
    assert first is not None
    np.testing.assert_array_equal(first, second)


def test_the_view_follows_the_screen_and_its_sliders() -> None:
    screen = Screen()
    view = ScreenView(screen)
    values = np.zeros((1, 3, 8, 8), np.float32)
    values[0, 2] = 1.0
    screen.show("image", values, Geometry.plain((3, 8, 8)))
    assert (view.place.max, view.place.value) == (2, 1)
    before = view.image.value
    view.place.value = 2
    assert view.image.value != before
    drawn = np.asarray(Image.open(io.BytesIO(view.image.value)))
    assert drawn.min() == 255
    assert drawn.shape[0] >= 300


def test_a_slice_along_another_axis_has_the_head_on_top() -> None:
    screen = Screen()
    values = np.zeros((1, 3, 4, 5), np.float32)
    values[0, 2, 1], values[0, 0, 1, 4] = 1.0, 0.5
    screen.show("image", values, Geometry.plain((3, 4, 5), (3.0, 1.0, 1.0)))
    coronal, sagittal = compose(screen, 1, axis=1), compose(screen, 4, axis=2)
    assert coronal is not None
    assert sagittal is not None
    assert coronal.shape == (9, 5, 3)
    assert (coronal[:3, :, 0] == 255).all()
    assert (coronal[3:, :4] == 0).all()
    assert (coronal[6:, 4, 0] == 128).all()
    assert sagittal[:, :, 0].tolist() == [[0, 255, 0, 0]] * 3 + [[0] * 4] * 3 + [[0, 128, 0, 0]] * 3


def test_pictures_are_gathered_and_none_comes_after_the_last() -> None:
    drawn: list[int] = []
    frames = Frames(lambda: drawn.append(1), period=0.05)
    start = time.monotonic()
    while time.monotonic() - start < 0.2:
        frames.poke()
    wait_for(lambda: len(drawn) >= 2)
    frames.stop()
    assert len(drawn) <= 1 + (time.monotonic() - start) / 0.05
    count, threads = len(drawn), threading.active_count()
    time.sleep(0.08)
    assert (len(drawn), threading.active_count() <= threads) == (count, True)


def test_small_pictures_are_enlarged_without_blur() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    enlarged = np.asarray(Image.open(io.BytesIO(png(picture, 64))))
    np.testing.assert_array_equal(enlarged, picture.repeat(4, 0).repeat(4, 1))
