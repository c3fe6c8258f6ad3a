"""Smooth fields of displacements from a few numbers: what elastic deformations are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.kernels import lattice as kernel
from fuse_engine.augment.kernels.values import normal

Nodes = NDArray[np.float32]
"""Displacements (dims, [z,] y, x) at the nodes of a lattice."""

FINE = 4
"""Nodes a distance between control points; straight lines between them are off by a 32nd of the displacement."""

STEEPEST = 0.9
"""Change of a displacement over a distance from which on a field would come close to folding."""


@lru_cache(maxsize=16)
def spline(
    seed: int, most: tuple[float, ...], counts: tuple[int, ...], locked: int, steps: tuple[float, ...]
) -> Nodes:
    """Return a cubic B-spline through random control points, at `FINE` nodes for each of its cells.

    `most` holds the largest displacement along each axis, `counts` the control points, the outermost of which lie
    beyond the image's edges, `locked` how many of those do not move at either end, `steps` the distance between
    nodes in the unit of `most`.
    """
    points = even(seed, (len(counts), *counts)) * np.array(most, np.float32)[:, *[None] * len(counts)]
    for axis, count in enumerate(counts, 1):
        ends = [*range(locked), *range(count - locked, count)] if count > 1 else []
        points[(slice(None),) * axis + (ends,)] = 0
    for axis, count in enumerate(counts, 1):
        if count > 1:
            points = blended(points, axis, _bspline(count))
    return _frozen(without_folds(points, steps))


@lru_cache(maxsize=16)
def random_field(
    seed: int, strength: tuple[float, ...], sigma: float, counts: tuple[int, ...], steps: tuple[float, ...]
) -> Nodes:
    """Return normal noise smoothed by a bell curve, at `counts` nodes, weakened where it would fold.

    `strength` holds the standard deviation along each axis, `steps` the distance between nodes, in the unit of
    `strength` and `sigma`.
    """
    reach = [math.ceil(3 * sigma / step) if count > 1 else 0 for step, count in zip(steps, counts, strict=True)]
    values = _normal(seed, (len(counts), *[n + 2 * far for n, far in zip(counts, reach, strict=True)]))
    for axis, (count, far, step) in enumerate(zip(counts, reach, steps, strict=True), 1):
        if far:
            away = np.arange(count + 2 * far)[None] - np.arange(count)[:, None] - far
            weights = np.where(np.abs(away) <= far, np.exp(-0.5 * (away * step / sigma) ** 2), 0)
            values = blended(values, axis, weights / np.sqrt((weights[0] ** 2).sum()))
    strengths = np.array(strength, np.float32)[:, *[None] * len(counts)]
    return _frozen(without_folds(values * strengths, steps))


def without_folds(nodes: Nodes, steps: Sequence[float]) -> Nodes:
    """Return a field, weakened where it would fold; `steps` is the distance between nodes in the field's unit.

    The sum of slopes along the axes stays below `STEEPEST` everywhere, so that the way back exists.
    """
    steepest = slope(nodes, steps)
    return nodes if steepest <= STEEPEST else nodes * np.float32(STEEPEST / steepest)


def slope(nodes: Nodes, steps: Sequence[float]) -> float:
    """Return the largest sum of slopes of a displacement along all axes, within any cell of a lattice."""
    axes = [axis for axis in range(1, nodes.ndim) if nodes.shape[axis] > 1]
    total: NDArray[np.float32] = np.zeros((), np.float32)
    for axis in axes:
        found = np.abs(np.diff(nodes, axis=axis)) * np.float32(1 / steps[axis - 1])
        for other in axes:
            if other != axis:
                before = (slice(None),) * other
                found = np.maximum(found[(*before, slice(None, -1))], found[(*before, slice(1, None))])
        total = total + found
    return float(total.max(initial=0))


def even(seed: int, shape: tuple[int, ...]) -> Nodes:
    """Return numbers evenly distributed from -1 to 1."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(_normal(seed, shape).astype(np.float64)) - 1, np.float32)


def blended(values: Nodes, axis: int, weights: NDArray[np.float64]) -> Nodes:
    """Return sums along an axis by weights (to, from)."""
    rows = np.ascontiguousarray(np.moveaxis(values, axis, 0))
    out = np.zeros((len(weights), *rows.shape[1:]), np.float32)
    kernel.blend(rows.reshape(len(rows), -1), out.reshape(len(out), -1), weights.astype(np.float32))
    return np.moveaxis(out, 0, axis)


def _bspline(count: int) -> NDArray[np.float64]:
    """Return the weights of control points, the first one cell before the image, for nodes across it."""
    places = np.linspace(1, count - 2, FINE * (count - 3) + 1)
    away = np.abs(places[:, None] - np.arange(count)[None])
    near, far = 2 / 3 - away**2 + away**3 / 2, (2 - np.minimum(away, 2)) ** 3 / 6
    return np.where(away < 1, near, far)


def _normal(seed: int, shape: tuple[int, ...]) -> Nodes:
    whole = (shape[0], *[1] * (4 - len(shape)), *shape[1:])
    found = np.empty(whole, np.float32)
    normal(found, np.zeros(4, np.int64), np.array(whole[1:], np.int64), seed)
    return found.reshape(shape)


def _frozen(nodes: Nodes) -> Nodes:
    nodes = np.ascontiguousarray(nodes)
    nodes.flags.writeable = False  # it is kept, and handed out again
    return nodes
