"""How far a step shifts what it shows inside a grid that it leaves as it was."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from fuse_engine.core.random import stream
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Processor
from fuse_engine.data.source import Row

Block = tuple[slice, ...]

_BLOCKS = 4
"""Blocks that are followed: a turn moves each by another part of a pixel."""
_SIDE = {2: 16, 3: 8}
"""Pixels along each axis of a block, by the number of axes: small, for a turn blurs a large one."""
_PLACES = 9
"""Places along each axis that a block may lie at."""
_REACH = 32
"""Pixels around its place in which a block is looked for."""
_ALIKE = 0.35
"""Least correlation with which a block is recognised: half a pixel off the new pixels it is 0.5 in 2-D."""
_CHANCE = 5.0
"""Standard deviations of the correlation with noise that a recognised block is above."""
_CLEARER = 1.5
"""How many times as clear a block must be elsewhere as where it was, and as on the opposite side, to be moved."""
_FAINT = 0.1
"""Share of the strongest change below which a place is not looked at."""


def shift(step: Processor, image: Image, row: Row) -> float:
    """Return by how many pixels a step moves parts of an image; 0 where they stay, or where that cannot be told.

    Two copies of the image differ in the order of the pixels of a few blocks alone, so every statistic is the
    same; the results differ where a block has come to, in a pattern that nothing else has. Less than a pixel, in
    small images more, is not told from 0; nor is a turn or a zoom that spoils the pattern.
    """
    blocks = _striking(image.array)
    copies = [_shuffled(image.array, blocks, number) for number in range(2)]
    try:
        results = [step(Image(copy, image.geometry), row) for copy in copies] if blocks else []
    except Exception:  # noqa: BLE001 a step may be anyone's code; that it fails on this is no sign of a shift
        return 0.0
    arrays = [result.array.astype(np.float64) for result in results if isinstance(result, Image)]
    if len(arrays) < len(copies) or any(array.shape[1:] != image.array.shape[1:] for array in arrays):
        return 0.0
    sent = copies[0].astype(np.float64) - copies[1].astype(np.float64)
    return max(_moved(block, sent, change) for block in blocks for change in arrays[0] - arrays[1])


def _striking(array: NDArray[np.generic]) -> list[Block]:
    """Return blocks that differ much within themselves and lie off the centre; none where all are constant."""
    middle = np.asarray(array.shape[1:]) / 2
    scored = []
    for block in _candidates(array.shape[1:]):
        values = array[(slice(None), *block)].astype(np.float64)
        off = np.abs(_centre(block) / middle - 1).max()
        scored.append(((0.2 + off) * float(np.abs(values - values.mean()).mean()), block))
    chosen: list[Block] = []
    for score, block in sorted(scored, key=lambda pair: -pair[0]):
        apart = all(np.abs(_centre(block) - _centre(other)).max() >= 2 * block[-1].stop - 2 * block[-1].start
                    for other in chosen)  # fmt: skip
        if score > 0 and apart and len(chosen) < _BLOCKS:
            chosen.append(block)
    return chosen


def _candidates(shape: Sequence[int]) -> Iterator[Block]:
    """Yield blocks all over an image, away from its edge, beyond which they could be moved."""
    axes = []
    for n in shape:
        side = min(_SIDE[len(shape)], max(n // 2, 1))
        margin = min(n - side, side) // 2
        starts = np.unique(np.linspace(margin, n - side - margin, _PLACES).astype(int)).tolist()
        axes.append([slice(start, start + side) for start in starts])
    yield from itertools.product(*axes)


def _centre(block: Block) -> NDArray[np.float64]:
    return np.asarray([(part.start + part.stop) / 2 for part in block])


def _shuffled(array: NDArray[np.generic], blocks: Sequence[Block], number: int) -> NDArray[np.generic]:
    changed = array.copy()
    for place, block in enumerate(blocks):
        values = changed[(slice(None), *block)]
        order = stream("doctor.shift", number, place).permutation(values[0].size)
        changed[(slice(None), *block)] = values.reshape(len(values), -1)[:, order].reshape(values.shape)
    return changed


def _moved(block: Block, sent: NDArray[np.float64], change: NDArray[np.float64]) -> float:
    """Return how far from its place a block is recognised; 0 where it is at its place, or nowhere."""
    pattern = max(sent[(slice(None), *block)], key=lambda channel: float(np.square(channel).sum()))
    near = tuple(slice(max(part.start - _REACH, 0), part.stop + _REACH) for part in block)
    received, squares = change[near], np.square(pattern)
    if not squares.any() or not received.any():
        return 0.0
    # a pattern of a few strong pixels is recognised by chance more often
    least = max(_ALIKE, _CHANCE * float(np.sqrt(np.square(squares).sum())) / float(squares.sum()))
    energy = fftconvolve(np.square(received), np.ones(pattern.shape))
    clear = energy > _FAINT * energy.max()
    found = np.abs(fftconvolve(received, np.flip(pattern)))
    alike = np.where(clear, found / np.sqrt(squares.sum() * np.where(clear, energy, 1)), 0)
    place = np.asarray(np.unravel_index(int(alike.argmax()), alike.shape))
    home = np.asarray([part.stop - 1 - around.start for part, around in zip(block, near, strict=True)])
    rivals = max(_at(alike, home), _at(alike, 2 * home - place))
    moved = alike.max() >= max(least, _CLEARER * rivals)
    return float(np.linalg.norm(place - home)) if moved else 0.0


def _at(alike: NDArray[np.float64], place: NDArray[np.intp]) -> float:
    """Return the value at a place; 0 outside."""
    inside = ((place >= 0) & (place < alike.shape)).all()
    return float(alike[tuple(place)]) if inside else 0.0
