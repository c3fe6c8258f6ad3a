"""Where a moved image takes its pixels from: stages that compose, so that however many steps interpolate once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.kernels import warp
from fuse_engine.core.errors import FuseError

Border = Literal["zeros", "edge", "reflect"]
"""What lies outside of an image: 0, its nearest pixel, or its mirror image."""

Box = tuple[slice, ...]
"""A part of an image ([z,] y, x), each slice with start and stop."""

_FAR = 1e9
"""Pixels; no image is as large."""

_BORDERS = {"zeros": warp.ZEROS, "edge": warp.EDGE, "reflect": warp.REFLECT}


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

    def between(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the smallest and the largest displacement (dims,) of voxels between two corners."""
        first, last = np.floor(low * self.rate).astype(int), np.ceil(high * self.rate).astype(int) + 1
        some = self.nodes[
            :,
            *[
                slice(min(max(a, 0), n - 1), max(b, 1))
                for a, b, n in zip(first, last, self.nodes.shape[1:], strict=True)
            ],
        ].reshape(len(self.shape), -1)
        return some.min(1), some.max(1)


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

    def inverse(self, source: tuple[int, ...]) -> Pull:
        """Return the pull that undoes this one, for an input of shape `source`.

        Raises:
            ValueError: where a lattice moves pixels; `push` undoes it for points.
        """
        rows = [stage.rows for stage in self.stages if isinstance(stage, Matrix)]
        if len(rows) < len(self.stages):
            raise ValueError("expected matrices alone; the inverse of a lattice is none")
        back = [np.linalg.inv(np.vstack([each, np.eye(1, len(source) + 1, len(source))])) for each in rows]
        return Pull(tuple(Matrix(each[:-1]) for each in reversed(back)), source)

    def push(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points (n, dims) of the input come to lie in the output; undoes the pull to 1e-4 voxels."""
        at: NDArray[Any] = np.asarray(points, np.float64)
        for stage in reversed(self.stages):
            if isinstance(stage, Matrix):
                at = np.linalg.solve(stage.rows[:, :-1], (at - stage.rows[:, -1]).T).T
            else:
                at = _undone(stage, at)
        return at

    def reach(self, box: Box, source: tuple[int, ...], border: Border) -> Box | None:
        """Return the part of the input that a box of the output is read from, None for nothing but zeros."""
        ends = np.array(np.meshgrid(*[[part.start, part.stop - 1] for part in box], indexing="ij"), float)
        at, margin = ends.reshape(len(box), -1).T, np.zeros(len(box))
        for stage in self.stages:
            if isinstance(stage, Matrix):
                at, margin = stage(at), np.abs(stage.rows[:, :-1]) @ margin
            else:
                least, most = stage.between(at.min(0) - margin, at.max(0) + margin)
                at, margin = at + (least + most) / 2, margin + (most - least) / 2
        low, high = at.min(0) - margin, at.max(0) + margin
        if self.copies is not None:
            low, high = np.round(low), np.round(high) + 1
        else:
            # as places are rounded to float32, and pixels are read on both sides of them
            low, high = np.floor(low - 0.01), np.floor(high + 0.01) + 2
        if border == "zeros" and ((high <= 0) | (low >= source)).any():
            return None
        if border == "reflect":
            low, high = np.minimum(low, 2 * np.array(source) - 1 - high), np.maximum(high, 1 - low)
        low, high = np.clip(low, 0, np.subtract(source, 1)), np.clip(high, 1, source)
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

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
    images: NDArray[np.float32],
    labels: NDArray[Any],
    pull: Pull,
    border: Border,
    box: Box | None = None,
    offset: Sequence[int] | None = None,
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return images (linear) and labels (nearest), both (channel, [z,] y, x) of one grid, read along `pull`.

    Either may have no channel. `box` is the part of the output that is wanted, all of it if None; what is given is
    the part of the input that begins at voxel `offset`.

    Raises:
        FuseError: for a move by numbers that are not finite.
    """
    for stage in pull.stages:
        # the loops look up what they are told without a check
        if not np.abs(stage.rows if isinstance(stage, Matrix) else stage.nodes).max() < _FAR:
            raise FuseError("a move leads to no place", expected=f"finite numbers below {_FAR:g} pixels")
    box = box or whole(pull.shape)
    exact, offset = pull.copies, offset or [0] * len(box)
    if exact is not None:
        exact = Matrix(exact.rows - np.pad(np.array(offset, float)[:, None], ((0, 0), (len(box), 0))))
        return _copied(images, exact, border, box), _copied(labels, exact, border, box)
    start, shape = [part.start for part in box], [part.stop - part.start for part in box]
    flat = len(shape) == 2
    front = [0] * flat
    out = np.empty((len(images), *[1] * flat, *shape), np.float32)
    marked = np.empty((len(labels), *[1] * flat, *shape), labels.dtype)
    warp.warp(
        _volumes(images.astype(np.float32, copy=False), flat), out, _volumes(labels, flat), _bits(marked),
        np.array([*front, *start], np.int64), np.array([*front, *offset], np.int64), _chain(pull, flat),
        _BORDERS[border],
    )  # fmt: skip
    return (out[:, 0], marked[:, 0]) if flat else (out, marked)


def sideways(
    images: NDArray[np.float32], labels: NDArray[Any], pull: Pull, border: Border, box: Box, offset: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return what `pulled` does up to rounding, by rows along the longest axis of the box instead of x."""
    order = list(range(len(box)))
    longest = max(order, key=lambda axis: box[axis].stop - box[axis].start)
    order[longest], order[-1] = order[-1], order[longest]
    swap = Matrix(np.column_stack([np.eye(len(box))[order], np.zeros(len(box))]))
    turned = Pull((swap,), tuple(pull.shape[axis] for axis in order)).after(pull)
    found = pulled(images, labels, turned, border, tuple(box[axis] for axis in order), offset)
    moved, marked = (array.transpose(0, *[1 + axis for axis in order]) for array in found)
    return np.ascontiguousarray(moved), np.ascontiguousarray(marked)


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
    return np.ascontiguousarray(found) if not np.may_share_memory(found, array) else found.copy()


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
    array = array[:, None] if flat else array
    return array if array.dtype == np.float32 else _bits(array)


def _bits(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as numbers without sign, so that the loops are compiled for few types."""
    return labels.view(f"u{labels.dtype.itemsize}")


def _undone(lattice: Lattice, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places that a lattice takes to `points`: by Newton's method, in smaller steps if need be."""
    dims = points.shape[1]
    found, share = points.copy(), np.ones((len(points), 1))
    off = lattice(found) - points
    for _ in range(100):
        if not (np.abs(off) > 1e-5).any():
            break
        ahead = [(lattice(found + each) - lattice(found)) / 1e-3 for each in np.eye(dims) * 1e-3]
        step = np.linalg.solve(np.stack(ahead, -1), off[:, :, None])[:, :, 0]
        then = found - share * step
        left = lattice(then) - points
        better = np.abs(left).max(1, keepdims=True) < np.abs(off).max(1, keepdims=True)
        found, off = np.where(better, then, found), np.where(better, left, off)
        share = np.where(better, 1, share / 2)
    return found


def _chain(pull: Pull, flat: bool) -> warp.Chain:
    count = len(pull.stages)
    kinds, starts = np.zeros(count, np.int64), np.zeros(count, np.int64)
    matrices, shapes = np.zeros((count, 3, 4), np.float32), np.zeros((count, 3), np.int64)
    rates, lattices = np.zeros((count, 3), np.float32), [np.zeros(0, np.float32)]
    first = 1 if flat else 0
    for index, stage in enumerate(pull.stages):
        if isinstance(stage, Matrix):
            matrices[index, first:, first:] = stage.rows
            continue
        kinds[index], starts[index] = warp.LATTICE, sum(map(len, lattices))
        nodes = np.zeros((3, *[1] * first, *stage.nodes.shape[1:]), np.float32)
        nodes[first:] = stage.nodes[:, None] if flat else stage.nodes
        shapes[index], rates[index, first:] = nodes.shape[1:], stage.rate
        lattices.append(nodes.reshape(-1))
    return kinds, matrices, np.concatenate(lattices), starts, shapes, rates
