"""One slice in colours: the image in grey, the label map as outlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_gui.models.palette import as_rgb, class_color, rgb

RGB = 3
_COLOURS = 64


def outline(classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a class (y, x) borders on another one."""
    padded = np.pad(classes, 1, mode="edge")
    same = np.ones(classes.shape, bool)
    for shifted in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        same &= shifted == classes
    return (classes > 0) & ~same


def tile_of(
    planes: Mapping[str, NDArray[Any]], limits: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return planes (channel, y, x), `image` and `gt`, as a picture (y, x, 3) of a size (y, x) in pixels."""
    picture = np.zeros((*size, 3), np.uint8)
    if "image" in planes:
        image = _sized(planes["image"], size)
        if len(image) == RGB:
            picture[:] = np.rint(as_rgb(image) * 255)
        else:
            low, high = limits
            share = np.clip(np.nan_to_num((image[0] - low) / (high - low)), 0, 1)
            picture[:] = np.rint(share * 255).astype(np.uint8)[..., None]
    if "gt" in planes:
        classes = _sized(planes["gt"], size)[0].astype(np.intp)
        edge = outline(classes)
        table = np.array([(0, 0, 0), *(rgb(class_color("gt", value)) for value in range(1, _COLOURS))], np.uint8)
        picture[edge] = table[np.minimum(classes[edge], _COLOURS - 1)]
    return picture


def _sized(plane: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return the nearest pixels of a plane (channel, y, x) on a grid of another size."""
    rows, columns = (
        ((np.arange(wanted) + 0.5) * count / wanted).astype(np.intp)
        for wanted, count in zip(size, plane.shape[1:], strict=True)
    )
    return plane[:, rows[:, None], columns]
