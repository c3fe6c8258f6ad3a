"""Whether a step that says it leaves pixels where they are does so."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.random import stream
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor
from fuse_engine.data.source import Row

_STARTS = (0.05, 0.2, 0.35)
"""Where the shuffled block begins along the axes; with its length, no flip or swap of axes maps it onto itself."""
_LENGTH = 0.15
_SMALL = 8
"""Pixels along an axis below which the block begins at its end: further in, it would lie in the middle."""


def moves_pixels(step: Processor, before: Image, after: Image, row: Row) -> bool:
    """Whether shuffling the pixels of a small block changes the result elsewhere.

    A shuffle keeps every statistic that a step can draw from the image, so a step that works pixel by pixel, or in
    a small neighbourhood, changes its result around the block; one that flips or turns does so somewhere else.
    """
    block = _busiest(before.array)
    if block is None or before.array.shape[1:] != after.array.shape[1:]:
        return False
    changed = before.array.copy()
    values = changed[(slice(None), *block)]
    shape = values.shape
    order = stream("doctor", *shape).permutation(values[0].size)
    changed[(slice(None), *block)] = values.reshape(shape[0], -1)[:, order].reshape(shape)
    try:
        result = step(Image(changed, before.geometry), row)
    except Exception:  # noqa: BLE001 a step may be anyone's code; that it fails on this is no sign of a flip
        return False
    if not isinstance(result, Image) or result.array.shape != after.array.shape:
        return False
    difference = np.abs(result.array.astype(np.float64) - after.array).sum(0)
    if not difference.any():
        return False
    middle = np.asarray([_middle(difference, axis) for axis in range(difference.ndim)])
    places = _images(np.asarray([(part.start + part.stop - 1) / 2 for part in block]), difference.shape)
    distances = np.linalg.norm(places - middle, axis=1)
    return bool(distances[1:].min() < distances[0])


def _middle(weights: NDArray[np.float64], axis: int) -> float:
    """Return the centre of mass along one axis."""
    along = weights.sum(tuple(other for other in range(weights.ndim) if other != axis))
    return float(along @ np.arange(len(along)) / along.sum())


def _images(place: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a place, and then where every flip and every swap of axes of one size would put it."""
    found = [place]
    for order in itertools.permutations(range(len(shape))):
        if all(shape[axis] == n for axis, n in zip(order, shape, strict=True)):
            for signs in itertools.product((False, True), repeat=len(shape)):
                swapped = place[list(order)]
                found.append(np.where(signs, np.asarray(shape) - 1 - swapped, swapped))
    others = [other for other in found if not np.array_equal(other, place)]
    return np.stack([place, *(others or [np.full_like(place, np.inf)])])


def _busiest(array: NDArray[np.generic]) -> tuple[slice, ...] | None:
    """Return the place of a block that differs most within itself; None where all are constant."""
    best, most = None, 0.0
    shape = array.shape[1:]
    for starts in itertools.permutations(_STARTS, len(shape)):
        for mirrored in itertools.product((False, True), repeat=len(shape)):
            block = tuple(_part(n, start, back) for n, start, back in zip(shape, starts, mirrored, strict=True))
            spread = float(array[(slice(None), *block)].std(dtype=np.float64))
            if spread > most:
                best, most = block, spread
    return best


def _part(size: int, start: float, mirrored: bool) -> slice:
    length = max(1, round(size * _LENGTH))
    first = int(size * start) if size >= _SMALL else 0
    return slice(size - first - length, size - first) if mirrored else slice(first, first + length)
