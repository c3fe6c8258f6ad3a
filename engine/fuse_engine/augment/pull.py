"""Where a moved image takes its pixels from: stages that compose, so that however many steps interpolate once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuse_engine.augment.kernels import warp as kernel

Border = Literal["zeros", "edge", "reflect"]
"""What lies outside of an image: 0, its nearest pixel, or its mirror image."""

Box = tuple[slice, ...]
"""A part of an image ([z,] y, x), each slice with start and stop."""

_BORDERS = {"zeros": kernel.ZEROS, "edge": kernel.EDGE, "reflect": kernel.REFLECT}


@dataclass(frozen=True)
class Matrix:
    """Takes output voxels to input voxels ([z,] y, x) by a matrix (dims, dims + 1)."""

    rows: NDArray[np.float64]

    def __call__(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places (n, dims) that these are read from."""
        found: NDArray[np.float64] = places @ self.rows[:, :-1].T + self.rows[:, -1]
        return found


@dataclass(frozen=True)
class Lattice:
    """Takes voxels to others by displacements (dims, [z,] y, x) in voxels, linear between evenly spaced nodes.

    The first and last node of an axis lie on the first and last voxel of a grid of `shape`.
    """

    nodes: NDArray[np.float32]
    shape: tuple[int, ...]

    @property
    def rate(self) -> NDArray[np.float64]:
        """Nodes a voxel along each axis."""
        return np.array(
            [(n - 1) / max(size - 1, 1) for n, size in zip(self.nodes.shape[1:], self.shape, strict=True)]
        )

    def __call__(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places (n, dims) that these are read from."""
        from scipy.ndimage import map_coordinates

        at = (places * self.rate).T
        moved = [map_coordinates(axis, at, order=1, mode="nearest", output=float) for axis in self.nodes]
        found: NDArray[np.float64] = places + np.array(moved).T
        return found


Stage = Matrix | Lattice


@dataclass(frozen=True)
class Pull:
    """The way from every output voxel to the place of the input that it is read from."""

    stages: tuple[Stage, ...]
    """In the order in which an output voxel goes through them."""
    shape: tuple[int, ...]
    """Shape of the output, [z,] y, x."""

    @classmethod
    def linear(cls, matrix: NDArray[np.float64], shape: tuple[int, ...], source: tuple[int, ...]) -> Pull:
        """Return the pull by a matrix (dims, dims) around the centres of output and input."""
        middle, target = (np.subtract(size, 1) / 2 for size in (source, shape))
        rows = np.column_stack([matrix, middle - matrix @ target])
        return cls((Matrix(rows),), shape)

    def after(self, first: Pull) -> Pull:
        """Return the pull that does what `first` and then this one do; matrices that meet become one."""
        stages: list[Stage] = []
        for stage in (*self.stages, *first.stages):
            last = stages[-1] if stages else None
            if isinstance(stage, Matrix) and isinstance(last, Matrix):
                linear = stage.rows[:, :-1] @ last.rows[:, :-1]
                offset = stage.rows[:, :-1] @ last.rows[:, -1] + stage.rows[:, -1]
                stages[-1] = Matrix(np.column_stack([linear, offset]))
            else:
                stages.append(stage)
        return Pull(tuple(stages), self.shape)

    def __call__(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places (n, dims) of the input that output places are read from."""
        start: NDArray[np.float64] = np.asarray(places, np.float64)
        return reduce(lambda at, stage: stage(at), self.stages, start)

    def push(self, points: NDArray[np.float64], rounds: int = 30) -> NDArray[np.float64]:
        """Return where points (n, dims) of the input come to lie in the output; undoes the pull to 1e-3 voxels."""
        at: NDArray[Any] = np.asarray(points, np.float64)
        for stage in reversed(self.stages):
            if isinstance(stage, Matrix):
                at = np.linalg.solve(stage.rows[:, :-1], (at - stage.rows[:, -1]).T).T
            else:
                # what changes by less than a voxel a voxel is undone by taking it off again and again
                found = at
                for _ in range(rounds):
                    found = at - (stage(found) - found)
                at = found
        return at

    def reach(self, box: Box, source: tuple[int, ...], border: Border) -> Box | None:
        """Return the part of the input that a box of the output is read from, None for nothing but zeros."""
        ends = np.array(np.meshgrid(*[[part.start, part.stop - 1] for part in box], indexing="ij"), float)
        places, margin = ends.reshape(len(box), -1).T, np.ones(len(box))
        for stage in self.stages:
            if isinstance(stage, Matrix):
                places, margin = stage(places), np.abs(stage.rows[:, :-1]) @ margin
            else:
                margin = margin + np.abs(stage.nodes).reshape(len(box), -1).max(1)
        low = np.floor(places.min(0) - margin).astype(int)
        high = np.ceil(places.max(0) + margin).astype(int) + 1
        if border == "reflect" and ((low < 0) | (high > source)).any():
            return whole(source)
        if border == "zeros" and ((high <= 0) | (low >= source)).any():
            return None
        low, high = np.clip(low, 0, np.subtract(source, 1)), np.clip(high, 1, source)
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def moved(self, by: ArrayLike) -> Pull:
        """Return the pull that reads from a part of the input which begins at voxel `by`."""
        shift = np.column_stack([np.eye(len(self.shape)), -np.asarray(by, float)])
        return self.after(Pull((Matrix(shift),), self.shape))

    @property
    def copies(self) -> Matrix | None:
        """The matrix where pixels are only copied: axes swapped, mirrored or cut by whole voxels; else None."""
        if len(self.stages) != 1 or not isinstance(self.stages[0], Matrix):
            return None
        rows = np.round(self.stages[0].rows)
        turn = np.abs(rows[:, :-1])
        one = (turn.sum(0) == 1).all() and (turn.sum(1) == 1).all() and turn.max() == 1
        return Matrix(rows) if one and np.abs(self.stages[0].rows - rows).max() < 1e-9 else None


def pulled(
    images: NDArray[np.float32], labels: NDArray[Any], pull: Pull, border: Border, box: Box | None = None
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return images (linear) and labels (nearest), both (channel, [z,] y, x) of one grid, read along `pull`.

    Either may have no channel. `box` is the part of the output that is wanted, all of it if None.
    """
    box = box or whole(pull.shape)
    exact = pull.copies
    if exact is not None:
        return _copied(images, exact, border, box), _copied(labels, exact, border, box)
    start, shape = [part.start for part in box], [part.stop - part.start for part in box]
    flat = len(shape) == 2
    front = [1] * flat
    out = np.empty((len(images), *front, *shape), np.float32)
    marked = np.empty((len(labels), *front, *shape), labels.dtype)
    kernel.warp(
        _volumes(images, flat), out, _volumes(labels, flat), marked,
        np.array([0] * flat + start, np.int64), np.zeros(3, np.int64), _chain(pull, flat), _BORDERS[border],
    )  # fmt: skip
    return (out[:, 0], marked[:, 0]) if flat else (out, marked)


def whole(shape: Sequence[int]) -> Box:
    """Return the box that holds all of an image."""
    return tuple(slice(0, size) for size in shape)


def _copied(array: NDArray[Any], matrix: Matrix, border: Border, box: Box) -> NDArray[Any]:
    """Return pixels (channel, [z,] y, x) that only change places."""
    turn, first = matrix.rows[:, :-1], matrix.rows[:, -1].astype(int)
    order = [int(np.abs(turn[:, axis]).argmax()) for axis in range(len(box))]
    found = array.transpose(0, *[1 + axis for axis in order])
    for axis, (part, source) in enumerate(zip(box, order, strict=True)):
        places = np.arange(part.start, part.stop) * int(turn[source, axis]) + first[source]
        found = _taken(found, places, axis + 1, border)
    return np.ascontiguousarray(found) if not np.shares_memory(found, array) else found.copy()


def _taken(array: NDArray[Any], places: NDArray[np.int64], axis: int, border: Border) -> NDArray[Any]:
    """Return the planes at some places of one axis, as the border has it outside."""
    size = array.shape[axis]
    outside = (places < 0) | (places >= size)
    if not outside.any():
        step = int(places[1] - places[0]) if len(places) > 1 else 1
        stop = int(places[-1]) + step
        part = slice(int(places[0]), stop if stop >= 0 else None, step)
        return array[(slice(None),) * axis + (part,)]
    if border == "reflect" and size > 1:
        places = size - 1 - np.abs(places % (2 * size - 2) - (size - 1))
    found = array.take(np.clip(places, 0, size - 1), axis)
    if border == "zeros":
        found[(slice(None),) * axis + (outside,)] = 0
    return found


def _volumes(array: NDArray[Any], flat: bool) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    return array[:, None] if flat else array


def _chain(pull: Pull, flat: bool) -> kernel.Chain:
    count = len(pull.stages)
    kinds, starts = np.zeros(count, np.int64), np.zeros(count, np.int64)
    matrices, shapes = np.zeros((count, 3, 4), np.float32), np.zeros((count, 3), np.int64)
    rates, lattices = np.zeros((count, 3), np.float32), [np.zeros(0, np.float32)]
    first = 1 if flat else 0
    for index, stage in enumerate(pull.stages):
        if isinstance(stage, Matrix):
            matrices[index, first:, first:] = stage.rows
            continue
        kinds[index], starts[index] = kernel.LATTICE, sum(map(len, lattices))
        nodes = np.zeros((3, *[1] * first, *stage.nodes.shape[1:]), np.float32)
        nodes[first:] = stage.nodes[:, None] if flat else stage.nodes
        shapes[index], rates[index, first:] = nodes.shape[1:], stage.rate
        lattices.append(nodes.reshape(-1))
    return kinds, matrices, np.concatenate(lattices), starts, shapes, rates
