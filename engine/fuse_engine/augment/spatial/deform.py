"""Deformations: a smooth or piecewise linear displacement of every voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from fuse_engine.augment.base import Params, Spatial
from fuse_engine.augment.chance import Chance
from fuse_engine.augment.pull import Lattice, Pull
from fuse_engine.augment.spatial.smooth import FINE, Nodes, even, random_field, spline
from fuse_engine.core.distribution import AXES, Distribution, PerAxis, constant, every_axis, uniform
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register

_MOST = 100
"""Control points or cells along an axis."""


@register
class Elastic(Spatial):
    """Bends the image by a coarse grid of control points that move at random, a cubic B-spline between them.

    The field is weakened where it would fold. The settings are those of TorchIO's RandomElasticDeformation;
    free-form deformation after Rueckert et al. (IEEE TMI 18, 1999).
    """

    num_control_points: list[int] = Field([7], min_length=1, max_length=3)
    """Control points, 4 to 100, one number or one for each of [z,] y, x; the outermost lie outside."""
    max_displacement: PerAxis = Field(every_axis(constant(7.5)), ge=0)
    """Largest displacement of a control point, mm (pixels without a spacing); one for all axes is drawn once."""
    locked_borders: int = Field(2, ge=0, le=2)
    """Layers of control points at the edges that stay: with 1 those outside, with 2 also those on the edge."""

    @field_validator("num_control_points")
    @classmethod
    def _enough(cls, counts: list[int]) -> list[int]:
        if not 4 <= min(counts) <= max(counts) <= _MOST:
            raise ValueError(f"expected 4 control points, as a cubic spline needs, to {_MOST}")
        return counts

    @model_validator(mode="after")
    def _some_move(self) -> Self:
        if self.locked_borders == 2 and min(self.num_control_points) < 5:
            raise ValueError("expected 5 control points or more, as locked_borders 2 holds 4 of them")
        return self

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw how far control points move, and the seed of where they go.

        Raises:
            FuseError: for numbers of control points that are not those of the image's axes.
        """
        counts = _for_axes(self.num_control_points, grid.dims, "num_control_points")
        counts = [count if size > 1 else 1 for count, size in zip(counts, grid.shape, strict=True)]
        return {
            "max_displacement": _drawn(self.max_displacement, chance, grid), "num_control_points": counts,
            "locked_borders": self.locked_borders, "seed": chance.seed(), **_grid(grid),
        }  # fmt: skip

    def neutral(self, grid: Geometry) -> Params:
        """Return no displacement."""
        return {
            "max_displacement": [0.0] * grid.dims, "num_control_points": [1] * grid.dims, "locked_borders": 0,
            "seed": 0, **_grid(grid),
        }  # fmt: skip

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the displacement of each voxel."""
        counts = tuple(params["num_control_points"])
        steps = _steps([max(FINE * (count - 3), 0) + 1 for count in counts], params)
        most = tuple(params["max_displacement"])
        nodes = spline(params["seed"], most, counts, params["locked_borders"], steps)
        return _displaced(_in_voxels(nodes, params), params, shape)


@register
class FreeForm(Spatial):
    """Bends the image by a smooth random field: noise in every direction, blurred by `sigma`, times `alpha`.

    The field is weakened where it would fold. After Simard et al. (ICDAR 2003), as imgaug's ElasticTransformation;
    the noise has a grain of 1 mm, so that a deformation does not depend on the resolution.
    """

    alpha: Distribution = Field(uniform(0.0, 40.0), ge=0)
    """Strength, mm; blurring leaves of it about 0.16 / sigma in 2-D, and 0.09 / sigma ** 1.5 in 3-D."""
    sigma: Distribution = Field(constant(5.0), gt=0, le=1000)
    """Standard deviation of the blur, mm (pixels where spacing is unknown), to 1000: the larger, the smoother."""

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw strength and smoothness, and the seed of the noise."""
        alpha, sigma = chance.number(self.alpha), chance.number(self.sigma)
        return {"alpha": alpha, "sigma": sigma, "seed": chance.seed(), **_grid(grid)}

    def neutral(self, grid: Geometry) -> Params:
        """Return no displacement."""
        return {"alpha": 0.0, "sigma": 1.0, "seed": 0, **_grid(grid)}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the displacement of each voxel."""
        sigma, sizes = params["sigma"], params["shape"]
        lengths = [(size - 1) * step for size, step in zip(sizes, params["spacing"], strict=True)]
        # nodes half a sigma apart, no closer than pixels
        counts = tuple(
            max(min(math.ceil(2 * length / sigma) + 1, size), min(size, 2))
            for length, size in zip(lengths, sizes, strict=True)
        )
        steps = _steps(counts, params)
        # what a bell curve leaves of even noise, whose standard deviation is 1 / sqrt(3)
        left = min(1 / (2 * math.sqrt(math.pi) * sigma), 1) ** (sum(size > 1 for size in sizes) / 2)
        strength = params["alpha"] / math.sqrt(3) * left
        most = tuple(strength if size > 1 else 0.0 for size in sizes)
        nodes = random_field(params["seed"], most, sigma, counts, steps)
        return _displaced(_in_voxels(nodes, params), params, shape)


@register
class GridDistortion(Spatial):
    """Divides the image into a grid of cells and makes each row and column of them wider or narrower.

    The image's edges stay where they are, and nothing folds. As MONAI's RandGridDistortion and albumentations'
    GridDistortion (normalized).
    """

    num_cells: list[int] = Field([5], min_length=1, max_length=3)
    """Cells along each axis, 1 to 100: one number for all or one for each ([z,] y, x)."""
    distort_limit: PerAxis = Field(every_axis(constant(0.3)), ge=0, lt=1)
    """Share of its width, below 1, by which a cell grows or shrinks at most; for all axes it is drawn once."""

    @field_validator("num_cells")
    @classmethod
    def _at_least_one(cls, counts: list[int]) -> list[int]:
        if not 1 <= min(counts) <= max(counts) <= _MOST:
            raise ValueError(f"expected 1 to {_MOST} cells along each axis")
        return counts

    def sample(self, chance: Chance, grid: Geometry) -> Params:
        """Draw by how much cells change, and the seed of which do.

        Raises:
            FuseError: for numbers of cells that are not those of the image's axes.
        """
        cells = _for_axes(self.num_cells, grid.dims, "num_cells")
        return {
            "num_cells": cells, "distort_limit": _drawn(self.distort_limit, chance, grid), "seed": chance.seed(),
            "shape": list(grid.shape),
        }  # fmt: skip

    def neutral(self, grid: Geometry) -> Params:
        """Return cells that stay as they are."""
        still = {"num_cells": [1] * grid.dims, "distort_limit": [0.0] * grid.dims}
        return {**still, "seed": 0, "shape": list(grid.shape)}

    def pull(self, params: Params, shape: tuple[int, ...]) -> Pull:
        """Return the displacement of each voxel."""
        cells, limits = params["num_cells"], params["distort_limit"]
        changes = even(params["seed"], (len(cells), max(cells)))
        nodes = np.zeros((len(cells), *[count + 1 for count in cells]), np.float32)
        for axis, (count, limit, size) in enumerate(zip(cells, limits, params["shape"], strict=True)):
            ends = np.cumsum([0, *(1 + limit * changes[axis, :count].astype(np.float64))])
            moved = (ends / ends[-1] - np.linspace(0, 1, count + 1)) * (size - 1)
            nodes[axis] = moved.reshape([-1 if other == axis else 1 for other in range(len(cells))])
        return _displaced(nodes, params, shape)


def _for_axes(numbers: Sequence[int], dims: int, field: str) -> list[int]:
    if len(numbers) not in (1, dims):
        raise FuseError(
            "as many numbers as the image has axes", where=field,
            expected=f"one number, or {dims}: " + ", ".join(AXES[-dims:]), got=str(list(numbers)),
        )  # fmt: skip
    return [*numbers] * (dims if len(numbers) == 1 else 1)


def _drawn(most: PerAxis, chance: Chance, grid: Geometry) -> list[float]:
    """Return a number for each axis, 0 where there is but one voxel; a distribution for all axes is drawn once."""
    drawn = zip(chance.once(most, grid.dims), grid.shape, strict=True)
    return [number if size > 1 else 0.0 for number, size in drawn]


def _grid(grid: Geometry) -> Params:
    return {"shape": list(grid.shape), "spacing": list(reversed(grid.spacing))}


def _steps(counts: Sequence[int], params: Params) -> tuple[float, ...]:
    """Return mm between nodes along each axis."""
    return tuple(
        max(size - 1, 1) * spacing / max(count - 1, 1)
        for size, spacing, count in zip(params["shape"], params["spacing"], counts, strict=True)
    )


def _displaced(nodes: Nodes, params: Params, shape: tuple[int, ...]) -> Pull:
    """Return the pull by displacements in voxels of the grid they were drawn for, on a grid as large in mm."""
    drawn = tuple(params["shape"])
    move = Pull((Lattice(nodes, drawn),), drawn)
    if shape == drawn:
        return move
    there, back = Pull.linear(np.diag(np.divide(drawn, shape)), shape, drawn), np.diag(np.divide(shape, drawn))
    return there.after(move).after(Pull.linear(back, drawn, shape))


def _in_voxels(nodes: Nodes, params: Params) -> Nodes:
    """Return displacements in mm as voxels."""
    return np.asarray(nodes / np.array(params["spacing"], np.float32)[:, *[None] * (nodes.ndim - 1)], np.float32)
