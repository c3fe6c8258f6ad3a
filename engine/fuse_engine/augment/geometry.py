"""Augmentations that move pixels: images linearly, label maps to the nearest neighbour."""

from __future__ import annotations

from math import cos, radians, sin, tan
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from fuse_engine.augment.base import Augmentation, Params, PositiveRange, Range, uniform
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

AXES = ("z", "y", "x")


def _below_90(bounds: tuple[float, float]) -> tuple[float, float]:
    if max(map(abs, bounds)) >= 90:
        raise ValueError("expected degrees between -90 and 90")
    return bounds


@register
class Affine(Augmentation):
    """Rotates, scales, shears and shifts around the centre, with one interpolation.

    Angles are those in the patient: pixels that are longer along one axis do not bend them.
    """

    rotate: Range = (0.0, 0.0)
    """Degrees; in 2-D from x towards y, in 3-D about each of z, y and x."""
    scale: PositiveRange = (1.0, 1.0)
    """Factor; above 1 enlarges what is seen."""
    translate: Range = (0.0, 0.0)
    """Shift along each axis as a share of the image's size, e.g. -0.1 to 0.1."""
    shear: Annotated[Range, AfterValidator(_below_90)] = (0.0, 0.0)
    """Degrees by which y leans towards x; in 3-D also x towards z, and z towards y."""
    border: Literal["zeros", "edge"] = "zeros"
    """What comes in from outside: 0, or the nearest pixel."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw angles, factor and shifts; shifts and spacing are in the order of arrays, z (y) first."""
        dims = grid.dims
        pairs = 1 if dims == 2 else 3
        return {
            "rotate": [uniform(rng, self.rotate) for _ in range(pairs)],
            "scale": uniform(rng, self.scale),
            "translate": [uniform(rng, self.translate) for _ in range(dims)],
            "shear": [uniform(rng, self.shear) for _ in range(pairs)],
            "spacing": list(reversed(grid.spacing)),
        }

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the moved image; `params` move what is seen, not the grid."""
        shape = tuple(image.shape[1:])
        spacing = np.array(params["spacing"])
        # from pixels to mm, back in the patient, and to pixels again
        inverse = np.linalg.inv(_matrix(params, len(shape))) * spacing / spacing[:, None]
        shift = np.array(params["translate"]) * shape
        grid = _grid(inverse, shift, shape)
        moved = F.grid_sample(
            image[None].float(), grid[None], mode="nearest" if label else "bilinear",
            padding_mode="zeros" if self.border == "zeros" else "border", align_corners=False,
        )[0]  # fmt: skip
        return moved.to(image.dtype)


@register
class Flip(Augmentation):
    """Mirrors along some axes, each by its own chance."""

    axes: list[Literal["x", "y", "z"]] = Field(["x"], min_length=1)
    """Axes that may be mirrored; x runs along the columns of the picture."""
    each: float = Field(0.5, ge=0, le=1)
    """Chance, from 0 to 1, of each axis."""

    def sample(self, rng: np.random.Generator, grid: Geometry) -> Params:
        """Draw the axes to mirror.

        Raises:
            FuseError: for z on a 2-D image.
        """
        if grid.dims == 2 and "z" in self.axes:
            raise FuseError("a 2-D image has no z axis", where="axes", expected="x, y or both")
        return {"axes": [axis for axis in self.axes if rng.random() < self.each]}

    def apply(self, image: Tensor, params: Params, label: bool) -> Tensor:
        """Return the mirrored image."""
        return image.flip([AXES.index(axis) - len(AXES) for axis in params["axes"]])


def _matrix(params: Params, dims: int) -> NDArray[np.float64]:
    """Return the matrix that moves what is seen, on centred mm ([z,] y, x): rotation @ shear @ scale."""
    shear = np.eye(dims)
    rotation = np.eye(dims)
    for pair, angle, lean in zip(_planes(dims), params["rotate"], params["shear"], strict=True):
        rotation = rotation @ _turn(dims, pair, radians(angle))
        shear[pair] = tan(radians(lean))
    product: NDArray[np.float64] = rotation @ shear * params["scale"]
    return product


def _planes(dims: int) -> list[tuple[int, int]]:
    """Return the two axes each rotation turns: (x, y); in 3-D about z, y and x."""
    return [(1, 0)] if dims == 2 else [(2, 1), (0, 2), (1, 0)]


def _turn(dims: int, plane: tuple[int, int], angle: float) -> NDArray[np.float64]:
    """Return the rotation that takes the plane's first axis towards its second."""
    first, second = plane
    matrix = np.eye(dims)
    matrix[first, first] = matrix[second, second] = cos(angle)
    matrix[second, first], matrix[first, second] = sin(angle), -sin(angle)
    return matrix


def _grid(inverse: NDArray[Any], shift: NDArray[Any], shape: tuple[int, ...]) -> Tensor:
    """Return where each pixel is read from, for `grid_sample`: (*shape, dims), x first, -1 to 1 from edge to edge.

    Written as sums of products along the axes, which give the same bits for any number of threads; a matrix
    product would not.
    """
    dims = len(shape)
    grid = torch.empty(*shape, dims)
    centred = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    for out in range(dims):
        position = torch.tensor(-float(inverse[out] @ shift), dtype=torch.float32)
        for axis in range(dims):
            along = centred[axis] * float(inverse[out, axis])
            position = position + along.view([-1 if other == axis else 1 for other in range(dims)])
        grid[..., dims - 1 - out] = position * (2 / shape[out])
    return grid
