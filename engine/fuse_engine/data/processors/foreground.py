"""Which pixels of an image are measured: those above an intensity, or where a mask of the same row is not 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.processors.geometry import onto
from fuse_engine.data.processors.loading import read_column
from fuse_engine.data.source import Row


def read_mask(row: Row, column: str, grid: Geometry) -> NDArray[np.bool_]:
    """Return where the mask that a column names is not 0, [z,] y, x; it is put onto `grid`, nearest pixel.

    Raises:
        SampleError: for a mask that marks nothing there.
    """
    mask = onto(read_column(row, column, label=True), grid, "the image")
    inside = np.asarray(mask.array[0] != 0)
    if not inside.any():
        raise SampleError(f"the mask in column '{column}' marks no pixel of the image", expected="at least one")
    return inside


def measured(
    channel: NDArray[np.float32], mask: NDArray[np.bool_] | None, above: float | None = None
) -> NDArray[Any]:
    """Return the intensities of one channel ([z,] y, x) that count, as a flat array."""
    counted = channel.ravel() if mask is None else channel[mask]
    return counted if above is None else counted[counted > above]
