"""Whose a pixel is that several drawn masks hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError

Overlap = Literal["error", "first", "last"]


def taken(
    found: NDArray[np.integer[Any]], mask: NDArray[np.bool_], overlap: Overlap, name: str, names: Mapping[int, str]
) -> NDArray[np.bool_]:
    """Return which pixels of a mask become those of `name` on a label map (z, y, x) of `names`.

    Raises:
        SampleError: naming both, where pixels are drawn already and `overlap` is `error`.
    """
    both = mask & (found > 0)
    if overlap == "error" and both.any():
        raise SampleError(
            f"'{names[int(found[both][0])]}' and '{name}' share {both.sum()} pixels",
            expected="`overlap: first` or `overlap: last`, which says whose they are",
        )
    return mask & ~both if overlap == "first" else mask
