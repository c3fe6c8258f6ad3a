"""Mirror images and quarter turns: pixels change places, no value is interpolated."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from fuse_engine.augment.base import Params, Spatial
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Pull
from fuse_engine.core.distribution import AXES, Distribution
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register


@register
class Flip(Spatial):
    """Mirrors along some axes, each by its own chance."""

    keeps_shape = True

    axes: list[Literal["x", "y", "z"]] = Field(["x"], min_length=1)
    """Axes that may be mirrored; x runs along the columns of the picture."""
    each: float = Field(0.5, ge=0, le=1)
    """Chance, from 0 to 1, of each axis."""

    @field_validator("axes")
    @classmethod
    def _once_each(cls, axes: list[str]) -> list[str]:
        if len(set(axes)) < len(axes):
            raise ValueError("expected each axis once")
        return axes

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


@register
class Rotate90(Spatial):
    """Turns by quarters, exactly: pixels change places, and an image that is not square changes its shape."""

    planes: list[Literal["xy", "zx", "yz"]] = Field(["xy"], min_length=1)
    """Planes that are turned, one after the other, from the first axis towards the second; 2-D has `xy` alone."""
    turns: Distribution = Field(Distribution("choice", (0.0, 1.0, 2.0, 3.0)), ge=0, le=3)
    """Quarter turns, 0 to 3, drawn for each plane; whole numbers."""

    @field_validator("turns")
    @classmethod
    def _whole(cls, turns: Distribution) -> Distribution:
        if turns.name not in ("constant", "choice", "steps") or any(n % 1 for n in turns.numbers):
            raise ValueError("expected whole numbers, e.g. {choice: [0, 1, 2, 3]}")
        return turns

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw the quarter turns of each plane.

        Raises:
            FuseError: for a plane with z on a 2-D image.
        """
        if grid.dims == 2 and self.planes != ["xy"]:
            raise FuseError("a 2-D image has no z axis", where="planes", expected="xy alone")
        return {"planes": list(self.planes), "turns": [int(chance.number(self.turns)) for _ in self.planes]}

    def neutral(self, grid: Geometry) -> Params:
        """Return no turn."""
        return {"planes": [], "turns": []}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the turned image."""
        dims = len(shape)
        back = np.eye(dims)
        for plane, turns in zip(params["planes"], params["turns"], strict=True):
            first, second = (dims + AXES.index(axis) - 3 for axis in plane)
            quarter = np.eye(dims)
            quarter[[first, second]] = quarter[[second, first]] * [[1], [-1]]
            back = back @ np.linalg.matrix_power(quarter, turns)
        turned = tuple(shape[axis] for axis in np.abs(back).argmax(0))
        return Pull.linear(back, turned, shape)
