"""What a window shows: arrays with their place in the patient, and everything else as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.geometry import Geometry
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Value

Picture = dict[str, Any]
"""`array` (channel, [z,] y, x), `geometry` as plain lists, `label`: whether it holds classes."""


def picture(image: Image) -> Picture:
    """Return an image as it is sent to a window."""
    return picture_of(image.array, image.geometry, image.label)


def picture_of(array: NDArray[Any], geometry: Geometry, label: bool = False) -> Picture:
    """Return an array (channel, [z,] y, x) as it is sent to a window."""
    return {"array": array, "geometry": geometry.to_json(), "label": label}


def text_of(value: Value) -> str:
    """Return a value that is no image as a person reads it; images by shape (channel, [z,] y, x)."""
    if isinstance(value, Image):
        return f"{' × '.join(map(str, value.array.shape))} {value.array.dtype}"
    if isinstance(value, np.ndarray):
        return ", ".join(f"{number:.4g}" for number in value.ravel().tolist())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def facts(value: Value) -> dict[str, Any]:
    """Return shape, dtype, smallest, largest and mean value, spacing in mm ([z,] y, x), and the value itself.

    A text has none of the numbers.
    """
    if isinstance(value, str):
        return {"shape": [], "dtype": "text", "spacing": [], "text": value}
    image = value if isinstance(value, Image) else None
    array = np.asarray(value.array if isinstance(value, Image) else value)
    shown = {"picture": picture(image)} if image else {"text": text_of(value)}
    return {
        "shape": list(array.shape), "dtype": str(array.dtype), "min": float(array.min()),
        "max": float(array.max()), "mean": float(array.mean(dtype=float)),
        "spacing": list(reversed(image.geometry.spacing)) if image else [],
        **shown,
    }  # fmt: skip
