"""The order in which a person lists texts: `s2` before `s10`, capitals beside small letters; made for millions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

WIDEST = 96
"""Bytes of a text that count for its place; texts that are alike so far keep the order they come in."""
NUMBERS = 8
"""Numbers in the longest text that have room in its key."""
CHUNK = 1 << 14
"""Texts that are taken apart at once: as many as stay in the processor's cache."""
WORD = 16
"""Bits that one pass sorts by: numpy has a radix sort for them."""


def natural_order(texts: pa.Array) -> NDArray[np.int64]:
    """Return the positions of texts in natural order: numbers in them by value, letters whatever their case."""
    lower = pc.utf8_lower(texts)
    widest = pc.max(pc.binary_length(lower)).as_py() or 0
    width = min(widest + NUMBERS, WIDEST)
    keys = np.zeros((len(texts), width + width % 2), np.uint8)
    for start in range(0, len(texts), CHUNK):
        _spell(lower.slice(start, CHUNK), keys[start : start + CHUNK])
    return radix_order(keys.view(">u2"))


def stable_order(ranks: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the positions of ranks, from 0, from low to high; equal ones keep their order."""
    words = np.empty((len(ranks), 2), np.uint16)
    words[:, 0], words[:, 1] = ranks >> WORD, ranks & ((1 << WORD) - 1)
    return radix_order(words)


def radix_order(keys: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the order of the rows of keys (row, word), the first word counting most; equal ones keep theirs."""
    order = np.arange(len(keys))
    for word in range(keys.shape[1] - 1, -1, -1):
        column = keys[:, word].astype(np.uint16)
        if len(column) and (column != column[0]).any():
            order = order[np.argsort(column[order], kind="stable")]
    return order


def _spell(texts: pa.Array, keys: NDArray[np.uint8]) -> None:
    """Write texts into rows of bytes, in front of every number how many digits it has: 2 before 10."""
    raw, starts = _buffers(texts)
    lengths = np.diff(starts)
    text = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    digit = (raw >= ord("0")) & (raw <= ord("9"))
    fresh = np.ones(len(raw), bool)
    fresh[1:] = ~digit[:-1] | (text[1:] != text[:-1])
    first = digit & fresh
    number = np.cumsum(first, dtype=np.int32)
    before = np.concatenate([[0], number])[starts[:-1]]
    # a byte moves to the right by the numbers that begin in front of it in its own text, and at it
    column = np.arange(len(raw), dtype=np.int32) + number - (starts[:-1] + before).astype(np.int32)[text]
    kept = column < keys.shape[1]
    keys[text[kept], column[kept]] = raw[kept]
    digits = np.bincount(number[digit] - 1, minlength=int(number[-1]) if len(number) else 0)
    at = column[first] - 1
    inside = at < keys.shape[1]
    keys[text[first][inside], at[inside]] = digits[inside].clip(max=31)


def _buffers(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all texts one after the other, and where each begins, and the end."""
    _, places, data = texts.buffers()
    starts = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    return raw[starts[0] : starts[-1]], starts - starts[0]
