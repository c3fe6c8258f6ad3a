"""Turning, scaling, shearing and shifting."""

from __future__ import annotations

from math import cos, radians, sin, tan
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fuse_engine.augment.base import Params, Spatial
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Matrix, Pull
from fuse_engine.core.distribution import AXES, PerAxis, Usual, constant, every_axis
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register


@register
class Affine(Spatial):
    """Rotates, scales, shears and shifts around the centre.

    Angles are those in the patient: pixels that are longer along one axis do not bend them.
    """

    keeps_shape = True

    rotate: Annotated[PerAxis, Usual(-90, 90)] = every_axis(constant(0.0))
    """Degrees; in 2-D from x towards y (its axis is z), in 3-D about each of z, y and x."""
    scale: Annotated[PerAxis, Usual(0.5, 1.5)] = Field(every_axis(constant(1.0)), gt=0)
    """Factor; above 1 enlarges what is seen. One distribution is drawn once for all axes."""
    translate: Annotated[PerAxis, Usual(-0.5, 0.5)] = every_axis(constant(0.0))
    """Shift along each axis as a share of the image's size, e.g. -0.1 to 0.1."""
    shear: Annotated[PerAxis, Usual(-45, 45)] = Field(every_axis(constant(0.0)), gt=-90, lt=90)
    """Degrees by which y leans towards x (its axis is z); in 3-D also x towards z (y), and z towards y (x)."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw angles, factors and shifts, for z, y and x in this order; spacing likewise."""
        turned = AXES if grid.dims == 3 else AXES[:1]
        factor = chance.once(self.scale, grid.dims)
        return {
            "rotate": [chance.number(self.rotate.of(axis)) for axis in turned],
            "scale": factor,
            "translate": chance.each(self.translate, grid.dims),
            "shear": [chance.number(self.shear.of(axis)) for axis in turned],
            "spacing": list(reversed(grid.spacing)),
        }

    def neutral(self, grid: Geometry) -> Params:
        """Return no turn, no shift, the same size."""
        turned = 3 if grid.dims == 3 else 1
        return {
            "rotate": [0.0] * turned, "scale": [1.0] * grid.dims, "translate": [0.0] * grid.dims,
            "shear": [0.0] * turned, "spacing": list(reversed(grid.spacing)),
        }  # fmt: skip

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the move of what is seen, not of the grid."""
        spacing = np.array(params["spacing"])
        # from pixels to mm, back in the patient, and to pixels again
        inverse = np.linalg.inv(_matrix(params, len(shape))) * spacing / spacing[:, None]
        shift = np.column_stack([np.eye(len(shape)), -np.multiply(params["translate"], shape)])
        return Pull((Matrix(shift),), shape).after(Pull.linear(inverse, shape, shape))


def _matrix(params: Params, dims: int) -> NDArray[np.float64]:
    """Return the matrix that moves what is seen, on centred mm ([z,] y, x): rotation @ shear @ scale."""
    shear, rotation = np.eye(dims), np.eye(dims)
    # (x, y); in 3-D about z, y and x
    planes = [(1, 0)] if dims == 2 else [(2, 1), (0, 2), (1, 0)]
    for pair, angle, lean in zip(planes, params["rotate"], params["shear"], strict=True):
        rotation = rotation @ _turn(dims, pair, radians(angle))
        # one after the other, so that no three of them flatten the image
        shear = _lean(dims, pair, tan(radians(lean))) @ shear
    product: NDArray[np.float64] = rotation @ shear * params["scale"]
    return product


def _lean(dims: int, plane: tuple[int, int], slope: float) -> NDArray[np.float64]:
    matrix = np.eye(dims)
    matrix[plane] = slope
    return matrix


def _turn(dims: int, plane: tuple[int, int], angle: float) -> NDArray[np.float64]:
    """Return the rotation that takes the plane's first axis towards its second."""
    first, second = plane
    matrix = np.eye(dims)
    matrix[first, first] = matrix[second, second] = cos(angle)
    matrix[second, first], matrix[first, second] = sin(angle), -sin(angle)
    return matrix
