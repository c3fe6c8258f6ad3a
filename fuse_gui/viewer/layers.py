"""The screen's pictures as napari layers that stay: made once, afterwards only their data is assigned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry
from fuse_gui.models.canonical import Canonical, canonical
from fuse_gui.models.palette import OUTLINED, STYLES, as_rgb, class_color, limits
from fuse_gui.models.screen import NAMES, Picture, Screen

PREFIX = "fuse:"
BOXES = f"{PREFIX}boxes"
AXES = ("z", "y", "x")
RGB = 3
MANY = 64
"""Classes that have a colour of their own in a label map; those above share one."""


class Layers:
    """Keeps one napari layer for each picture of a screen; the user's own layers are never touched."""

    def __init__(self, viewer: Any, screen: Screen) -> None:
        """Draw what is on the screen into the viewer, now and whenever it changes."""
        self._viewer = viewer
        self._screen = screen
        self._layers: dict[str, Layer] = {}
        self._drawn: dict[str, Picture] = {}
        screen.changed.connect(self._draw)
        screen.touched.connect(self._refresh)
        for name in NAMES:
            self._draw(name)

    def layer(self, name: str) -> Layer | None:
        """Return the layer of a picture, where it is in the viewer."""
        layer = self._layers.get(name)
        return layer if layer is not None and layer in self._viewer.layers else None

    def _draw(self, name: str) -> None:
        picture, layer = self._screen.picture(name), self.layer(name)
        if picture is None:
            self._hide(name, layer)
            return
        style = {**STYLES[name], **picture.style}
        known = self._drawn.get(name)
        self._drawn[name] = picture
        if layer is not None and known is not None and known.array is picture.array:
            restyle(layer, style, {**STYLES[name], **known.style})
            return
        turned = canonical(picture.array, picture.geometry)
        values = flat(turned.array, picture.label, style)
        point, place = self._viewer.dims.point, layer and grid(layer)
        if layer is None or not fits(layer, values, picture.label):
            layer = self._create(name, layer, values, picture, turned, style)
        else:
            self._assign(layer, values, picture, turned, (style, {} if known is None else known.style))
        if known is None:
            layer.visible = bool(style.get("visible", True))
        if name != "image" and grid(layer) != place:
            self._stay(point)

    def _hide(self, name: str, layer: Layer | None) -> None:
        """Empty a layer's place on the screen; the screen remembers whether the person had it switched on."""
        if self._drawn.pop(name, None) is not None and layer is not None:
            layer.visible = False

    def _switched(self, name: str) -> None:
        """Tell the screen that the person switched a layer on or off."""
        layer = self.layer(name)
        if layer is not None and name in self._drawn:
            self._screen.restyle(name, visible=bool(layer.visible))

    def _create(
        self, name: str, old: Layer | None, values: NDArray[Any], picture: Picture, turned: Canonical, style: Any
    ) -> Layer:
        """Add a layer at its place among ours; a layer of another kind makes way for it."""
        selected = set(self._viewer.layers.selection)
        if old is not None:
            self._viewer.layers.remove(old)
        layer = build(name, values, picture, turned, style)
        self._layers[name] = layer
        layer.events.visible.connect(lambda: self._switched(name))
        below = [self.layer(other) for other in NAMES[: NAMES.index(name)]]
        places = [self._viewer.layers.index(other) for other in below if other is not None]
        self._viewer.layers.insert(max(places) + 1 if places else 0, layer)
        if selected - {old}:
            self._viewer.layers.selection = selected - {old}
        if name == "image":
            self._fit()
        return layer

    def _refresh(self, name: str) -> None:
        """Draw a layer again whose values were changed in place."""
        layer, picture = self.layer(name), self._drawn.get(name)
        if layer is None or picture is None:
            return
        if np.shares_memory(layer.data, picture.array):
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        else:
            style = {**STYLES[name], **picture.style}
            layer.data = flat(canonical(picture.array, picture.geometry).array, picture.label, style)

    def _assign(
        self,
        layer: Layer,
        values: NDArray[Any],
        picture: Picture,
        turned: Canonical,
        styles: tuple[Mapping[str, Any], Mapping[str, Any]],
    ) -> None:
        """Give a layer other values; limits that were asked for before stay as the person has changed them."""
        (style, known), before = styles, grid(layer)
        layer.data = values
        if not same(layer.scale, turned.scale):
            layer.scale = turned.scale
        if not same(layer.translate, turned.translate):
            layer.translate = turned.translate
        layer.metadata = placed(picture.geometry, turned)["metadata"]
        if isinstance(layer, Labels):
            layer.features = class_names(style)
        elif not layer.rgb and (style.get("limits") is None or style["limits"] != known.get("limits")):
            layer.contrast_limits_range = layer.contrast_limits = limits(values, style)
        restyle(layer, style, {})
        if layer is self._layers.get("image") and grid(layer) != before:
            self._fit()

    def _stay(self, point: tuple[float, ...]) -> None:
        """Look at the same place: the sliders count slices, and there were others before a layer got its grid."""
        if len(point) == len(self._viewer.dims.point) and point != self._viewer.dims.point:
            self._viewer.dims.point = point

    def _fit(self) -> None:
        """Look at the middle of another grid; the same grid keeps what the person is looking at."""
        image = self._layers["image"]
        for name in NAMES:
            layer = self.layer(name)
            if layer is not None and name not in self._drawn and beyond(layer, image):
                self._viewer.layers.remove(layer)  # hidden ones count too: they would stretch the sliders
        for layer in [each for each in self._viewer.layers if each.name == BOXES and each.ndim != image.ndim]:
            self._viewer.layers.remove(layer)
        self._viewer.reset_view(layers=[image])
        low, high = image.extent.world[:, -image.ndim :]
        for axis in range(self._viewer.dims.ndim):  # those that are displayed too: they may be turned to
            own = axis - self._viewer.dims.ndim
            if own >= -image.ndim:
                self._viewer.dims.set_point(axis, (low[own] + high[own]) / 2)


def build(
    name: str, values: NDArray[Any], picture: Picture, turned: Canonical, style: Mapping[str, Any]
) -> Image | Labels:
    """Return a new layer for a picture."""
    common = {"name": PREFIX + name, "opacity": style.get("opacity", 1.0), **placed(picture.geometry, turned)}
    if picture.label:
        layer = Labels(values, features=class_names(style), colormap=palette(name), **common)
        layer.contour = 1 if name in OUTLINED else 0
        return layer
    if values.ndim > picture.geometry.dims:
        return Image(values, rgb=True, **common)
    colormap = style.get("colormap", "gray")
    return Image(values, rgb=False, colormap=colormap, contrast_limits=limits(values, style), **common)


def flat(array: NDArray[Any], label: bool, style: Mapping[str, Any]) -> NDArray[Any]:
    """Return the values ([z,] y, x) that a layer holds; colour pictures keep red, green, blue as the last axis."""
    if not label and array.shape[0] == RGB and array.ndim == RGB:
        return as_rgb(array)
    values: NDArray[Any] = array[min(int(style.get("channel", 0)), array.shape[0] - 1)]
    return values


def fits(layer: Layer, values: NDArray[Any], label: bool) -> bool:
    """Whether a layer can take such values by assignment."""
    if isinstance(layer, Labels) or label:
        return isinstance(layer, Labels) and label and layer.ndim == values.ndim
    return bool(layer.data.ndim == values.ndim and layer.rgb == is_rgb(layer, values))


def is_rgb(layer: Image, values: NDArray[Any]) -> bool:
    """Whether values of that shape are a colour picture."""
    return values.ndim == RGB and values.shape[-1] == RGB and bool(layer.rgb)


def restyle(layer: Layer, style: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Set what the screen asks for; what it did not change stays as the person set it."""
    for name in ("opacity", "colormap", "visible"):
        if name in style and (not known or style[name] != known.get(name)):
            setattr(layer, name, style[name])
    if style.get("limits") is not None and known and style["limits"] != known.get("limits"):
        layer.contrast_limits = style["limits"]


def placed(geometry: Geometry, turned: Canonical) -> dict[str, Any]:
    """Return where a layer lies, in mm; its metadata keeps the place in the file, for readout and export."""
    return {
        "scale": turned.scale,
        "translate": turned.translate,
        "units": ("mm",) * geometry.dims,
        "axis_labels": AXES[-geometry.dims :],
        "metadata": {
            "geometry": geometry.to_json(),
            "order": list(turned.order),
            "flipped": list(turned.flipped),
            "oblique_degrees": round(turned.oblique, 3),
        },
    }


def class_names(style: Mapping[str, Any]) -> pd.DataFrame:
    """Return the names of the classes by value, as napari shows them under the pointer."""
    names = list(style.get("classes", ()))
    return pd.DataFrame({"index": range(len(names)), "class": names}) if names else pd.DataFrame()


def palette(name: str) -> DirectLabelColormap:
    """Return the colours of the classes of a label map; 0 is clear."""
    colors: dict[int | None, str] = {value: class_color(name, value) for value in range(1, MANY)}
    return DirectLabelColormap(color_dict={None: class_color(name, MANY), 0: "transparent", **colors})


def grid(layer: Layer) -> tuple[object, ...]:
    """Return where the layer lies, to be compared."""
    return (layer.data.shape, tuple(map(float, layer.scale)), tuple(map(float, layer.translate)))


def beyond(layer: Layer, image: Layer) -> bool:
    """Whether a layer reaches further than the image, or has other axes."""
    if layer.ndim != image.ndim:
        return True
    (low, high), (first, last) = layer.extent.world, image.extent.world
    room = np.maximum(np.abs(layer.scale), np.abs(image.scale))
    return bool((low < first - room).any() or (high > last + room).any())


def same(before: NDArray[np.float64], after: tuple[float, ...]) -> bool:
    """Whether an assignment would change nothing."""
    return len(before) == len(after) and bool(np.array_equal(before, after))
