"""The screen in a notebook: one slice of the image with what lies over it, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import reduce
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fuse_gui.models.canonical import Canonical, canonical
from fuse_gui.models.outline import outline
from fuse_gui.models.palette import OUTLINED, STYLES, as_rgb, class_color, limits, ramp, rgb
from fuse_gui.models.screen import NAMES, Picture, Screen

PIXELS = 384
"""Shortest side of the picture, by enlarging whole pixels."""

Colors = NDArray[np.uint8]
"""(y, x, 3), 0 to 255."""


def compose(
    screen: Screen, place: int | None = None, opacity: float = 1.0, axis: int = 0
) -> NDArray[np.uint8] | None:
    """Return one slice of the screen as (y, x, 3), with square pixels; None where there is no image.

    `place` is the slice of a volume along an `axis` (z, y, x), the middle one where absent; `opacity` [0, 1]
    weakens what lies above the image. Slices along y and x show the head on top.
    """
    picture = screen.picture("image")
    if picture is None:
        return None
    base = canonical(picture.array, picture.geometry)
    points = slice_points(base, place, axis)
    drawn = np.zeros((*_size(points, axis), 3), np.uint8)
    for name in NAMES:
        other = screen.picture(name)
        if other is None or not other.style.get("visible", True):
            continue
        style = {**STYLES[name], **other.style}
        values, inside = sampled(other, points, axis)
        colors, weight = colored(name, values, other, style)
        strength = np.float32(float(style["opacity"]) * (1.0 if name == "image" else opacity))
        _lay(drawn, colors, weight & inside, strength)
    return head_up(drawn, axis) if len(points) == 3 else drawn


def _lay(drawn: Colors, colors: Colors, at: NDArray[np.bool_], strength: np.float32) -> None:
    """Draw colours over what is drawn, where there are any."""
    if strength == 1:
        np.copyto(drawn, colors, where=at[..., None])
    else:
        drawn[at] = np.rint((1 - strength) * drawn[at] + strength * colors[at])


def head_up(picture: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Return a slice (y, x, 3) of a volume along an axis (z, y, x) as it is read: with the head on top."""
    return picture[::-1] if axis else picture


def slice_points(base: Canonical, place: int | None, axis: int = 0) -> list[NDArray[np.float64]]:
    """Return the mm positions along [z,] y, x of one slice, at the finer of the two spacings in the plane."""
    size = base.array.shape[1:]
    across = [at for at in range(len(size)) if len(size) == 2 or at != axis]
    fine = min(base.scale[at] for at in across)
    points = [
        start - step / 2 + (np.arange(max(1, round(count * step / fine))) + 0.5) * fine
        for start, step, count in zip(base.translate, base.scale, size, strict=True)
    ]
    if len(size) == 3:
        chosen = size[axis] // 2 if place is None else min(max(place, 0), size[axis] - 1)
        points[axis] = np.array([base.translate[axis] + chosen * base.scale[axis]])
    return points


def sampled(
    picture: Picture, points: list[NDArray[np.float64]], axis: int = 0
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the nearest values (channel, y, x) at those points, and where they are inside of the picture."""
    turned = canonical(picture.array, picture.geometry)
    indices, inside = [], []
    for at, start, step, count in zip(points, turned.translate, turned.scale, turned.array.shape[1:], strict=True):
        index = np.rint((at - start) / step).astype(int)
        inside.append((index >= 0) & (index < count))
        indices.append(np.clip(index, 0, count - 1))
    values = turned.array[np.ix_(range(len(turned.array)), *indices)]
    within = reduce(np.logical_and, np.meshgrid(*inside, indexing="ij", sparse=True))
    size = _size(points, axis)
    return values.reshape(len(values), *size), within.reshape(size)


def _size(points: list[NDArray[np.float64]], axis: int) -> tuple[int, int]:
    """Return rows and columns of a slice."""
    rows, columns = (len(at) for number, at in enumerate(points) if len(points) == 2 or number != axis)
    return rows, columns


def colored(
    name: str, values: NDArray[Any], picture: Picture, style: Mapping[str, Any]
) -> tuple[Colors, NDArray[np.bool_]]:
    """Return the colours (y, x, 3) of values (channel, y, x), and which pixels have one."""
    if picture.label:
        classes = values[0].astype(int)
        shown = outline(classes) if name in OUTLINED else classes > 0
        table = np.array(
            [(0, 0, 0), *(rgb(class_color(name, value)) for value in range(1, classes.max() + 1))], np.uint8
        )
        return table.take(classes, 0), shown
    if len(values) == 3 and picture.array.ndim == 3:
        return np.rint(as_rgb(values) * 255).astype(np.uint8), np.ones(values.shape[1:], bool)
    channel = min(int(style.get("channel", 0)), len(values) - 1)
    low, high = limits(picture.array[channel], style)
    share = np.nan_to_num(np.clip((values[channel] - np.float32(low)) / np.float32(high - low), 0, 1))
    table = np.rint(ramp(str(style["colormap"]))).astype(np.uint8)
    return table.take(np.rint(share * 255).astype(np.uint8), 0), np.ones(share.shape, bool)


def png(picture: NDArray[np.uint8], pixels: int = PIXELS) -> bytes:
    """Return a picture (y, x, 3) as a PNG; a small one is enlarged by whole pixels."""
    stream = io.BytesIO()
    Image.fromarray(_enlarged(picture, pixels)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def jpeg(picture: NDArray[np.uint8], pixels: int = PIXELS) -> bytes:
    """Return a picture (y, x, 3) as a JPEG, for what changes many times a second; enlarged as by `png`."""
    stream = io.BytesIO()
    Image.fromarray(_enlarged(picture, pixels)).save(stream, "JPEG", quality=90, subsampling=0)
    return stream.getvalue()


def _enlarged(picture: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    times = max(1, round(pixels / min(picture.shape[:2])))
    return picture.repeat(times, 0).repeat(times, 1)


class ScreenView(widgets.VBox):  # type: ignore[misc]
    """The picture of the screen with a slice slider for volumes and an opacity slider."""

    def __init__(self, screen: Screen) -> None:
        """Follow the screen."""
        self.screen = screen
        self.image = widgets.Image(format="png", layout=widgets.Layout(max_width="100%", width="384px"))
        self.place = widgets.IntSlider(description="slice", min=0, max=0)
        self.opacity = widgets.FloatSlider(description="overlay", value=1.0, min=0.0, max=1.0, step=0.05)
        super().__init__([self.image, self.place, self.opacity])
        self.add_class("fuse-screen")
        self._shape: tuple[int, ...] = ()
        screen.changed.connect(self._changed)
        self.place.observe(lambda _: self.draw(), "value")
        self.opacity.observe(lambda _: self.draw(), "value")
        self._changed("image")

    def _changed(self, name: str) -> None:
        picture = self.screen.picture("image")
        shape = canonical(picture.array, picture.geometry).array.shape[1:] if picture else ()
        if name == "image" and shape != self._shape:
            self._shape = shape
            self.place.layout.display = "" if len(shape) == 3 else "none"
            self.place.max = shape[0] - 1 if len(shape) == 3 else 0
            self.place.value = self.place.max // 2
        self.draw()

    def draw(self) -> None:
        """Draw the screen as it is now."""
        picture = compose(self.screen, self.place.value, self.opacity.value)
        self.image.layout.display = "none" if picture is None else ""
        if picture is not None:
            self.image.value = png(picture)
