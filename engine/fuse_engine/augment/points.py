"""Points and boxes, which go where their pixels go."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.pull import Pull


def moved_points(points: NDArray[Any], pull: Pull) -> NDArray[np.float32]:
    """Return points (n, dims), pixel indices ([z,] y, x), where a pull takes their pixels."""
    return pull.push(points.reshape(-1, len(pull.shape))).astype(np.float32).reshape(points.shape)


def moved_boxes(boxes: NDArray[Any], pull: Pull) -> NDArray[np.float32]:
    """Return boxes (n, 2 dims), first and last corner as pixel indices, around where their corners and edges go.

    They are cut off at the edges of the image; one that has left it has no size.
    """
    dims = len(pull.shape)
    first, last = np.asarray(boxes, np.float64).reshape(-1, 2, dims).swapaxes(0, 1)
    shares = np.array(list(itertools.product((0.0, 0.5, 1.0), repeat=dims)))
    outline = first[:, None] + shares * (last - first)[:, None]
    moved = pull.push(outline.reshape(-1, dims)).reshape(outline.shape)
    end = np.subtract(pull.shape, 1)
    found = np.concatenate([np.clip(moved.min(1), 0, end), np.clip(moved.max(1), 0, end)], 1)
    return found.astype(np.float32).reshape(boxes.shape)
