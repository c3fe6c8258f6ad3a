"""The colours of pictures, the same in the viewer and in the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = {
    "gt": ("#2ecc71", "#f1c40f", "#1abc9c", "#a3e048", "#49da9a"),
    "pred": ("#ff5c8a", "#ff9f43", "#c56cf0", "#ff4757", "#f368e0"),
    "error": ("#ff4757", "#54a0ff", "#feca57"),
}
"""Colours of the classes 1, 2, ... of a label map, by picture; they repeat, and 0 is clear."""

RAMPS = {
    "gray": ("#000000", "#ffffff"),
    "magma": (
        "#000004", "#1d1147", "#51127c", "#832681", "#b73779", "#e75263", "#fc8961", "#fec488", "#fcfdbf",
    ),
    "inferno": (
        "#000004", "#210c4a", "#57106e", "#8a226a", "#bc3754", "#e45a31", "#f98e09", "#f9cb35", "#fcffa4",
    ),
    "turbo": (
        "#30123b", "#466be3", "#28bceb", "#32f298", "#a4fc3c", "#eecf3a", "#fb7e21", "#d02f05", "#7a0403",
    ),
}  # fmt: skip
"""Colours from the lowest to the highest value, evenly spaced."""

STYLES: dict[str, Mapping[str, Any]] = {
    "image": {"colormap": "gray", "opacity": 1.0},
    "before": {"colormap": "gray", "opacity": 1.0},
    "gt": {"opacity": 0.9},
    "pred": {"opacity": 0.45},
    "prob": {"colormap": "magma", "opacity": 0.5, "limits": (0.0, 1.0)},
    "heat": {"colormap": "turbo", "opacity": 0.45},
    "error": {"colormap": "inferno", "opacity": 0.6},
}
"""How a picture is drawn where the screen does not say."""

OUTLINED = ("gt",)
"""Label maps drawn as outlines, so that what lies above them is seen inside."""


def rgb(text: str) -> tuple[int, int, int]:
    """Return red, green, blue from 0 to 255 of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def class_color(name: str, value: int) -> str:
    """Return the colour of a class, above 0, of a label map."""
    colors = CLASSES.get(name, CLASSES["pred"])
    return colors[(value - 1) % len(colors)]


def ramp(name: str) -> NDArray[np.float64]:
    """Return 256 colours (256, 3) from 0 to 255, lowest value first; gray for an unknown name."""
    anchors = np.array([rgb(text) for text in RAMPS.get(name, RAMPS["gray"])], float)
    places = np.linspace(0, len(anchors) - 1, 256)
    return np.column_stack([np.interp(places, range(len(anchors)), column) for column in anchors.T])


def as_rgb(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return red, green, blue (3, y, x), from 0 to 1 or to more, as (y, x, 3) from 0 to 1."""
    top = max(1.0, float(np.nan_to_num(array).max(initial=0.0)))
    shares: NDArray[np.float32] = np.clip(np.moveaxis(np.nan_to_num(array), 0, -1) / top, 0, 1).astype(np.float32)
    return shares


def limits(values: NDArray[Any], style: Mapping[str, Any]) -> tuple[float, float]:
    """Return the values drawn darkest and brightest: as styled, or the range of the finite values."""
    if style.get("limits") is not None:
        low, high = style["limits"]
        return float(low), float(high)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)
