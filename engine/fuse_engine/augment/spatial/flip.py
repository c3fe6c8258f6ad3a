"""Mirror images and quarter turns: pixels change places, no value is interpolated."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from fuse_engine.augment.base import Params, Spatial
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Pull
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

AXES = ("z", "y", "x")


@register
class Flip(Spatial):
    """Mirrors along some axes, each by its own chance."""

    keeps_shape = True

    axes: list[Literal["x", "y", "z"]] = Field(["x"], min_length=1)
    """Axes that may be mirrored; x runs along the columns of the picture."""
    each: float = Field(0.5, ge=0, le=1)
    """Chance, from 0 to 1, of each axis."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the axes to mirror.

        Raises:
            FuseError: for z on a 2-D image.
        """
        if grid.dims == 2 and "z" in self.axes:
            raise FuseError("a 2-D image has no z axis", where="axes", expected="x, y or both")
        return {"axes": [axis for axis in self.axes if chance.happens(self.each)]}

    def neutral(self, grid: Geometry) -> Params:
        """Return no axis."""
        return {"axes": []}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the mirror image."""
        signs = np.ones(len(shape))
        for axis in params["axes"]:
            signs[AXES.index(axis) - 3] = -1
        return Pull.linear(np.diag(signs), shape, shape)
