"""Whether what a header says about the place of an image can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fuse_engine.core.errors import SampleError

_SKEW = 2e-3
"""Largest cosine between two axes that counts as the rounding of a header."""
_AXES = "xyzt"


def check_spacing(name: str, spacing: Sequence[float]) -> None:
    """Refuse a spacing (x, y[, z]) that is no distance: 0, negative or not a number.

    Raises:
        SampleError: naming the file and the axis.
    """
    for axis, step in zip(_AXES, spacing, strict=False):
        if not (np.isfinite(step) and step > 0):
            raise SampleError(
                f"{name} has no usable spacing along {axis}", expected="mm above 0 in its header", got=f"{step:g}"
            )


def check_grid(name: str, spacing: Sequence[float], origin: Sequence[float], direction: Sequence[float]) -> None:
    """Refuse a grid that is none: no usable spacing, an origin that is not finite, axes not at right angles.

    Raises:
        SampleError: naming the file and what is wrong.
    """
    check_spacing(name, spacing)
    if not np.isfinite([*origin, *direction]).all():
        raise SampleError(f"{name} does not say where it lies", expected="numbers", got="NaN or infinity")
    matrix = np.asarray(direction, float).reshape(len(spacing), len(spacing))
    if np.abs(matrix.T @ matrix - np.eye(len(spacing))).max() > _SKEW:
        raise SampleError(
            f"the axes of {name} are not at right angles",
            expected="orthonormal directions; resample a sheared volume (e.g. CT with a tilted gantry) first",
            got=str(np.round(matrix, 3).tolist()),
        )
