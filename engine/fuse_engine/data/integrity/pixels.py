"""Whether as many pixels follow a header as it says."""

from __future__ import annotations

import bz2
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.data.memory import require_memory

CHUNK = 1 << 22
_RATIO = 1100
"""Bytes that one byte of a gzip file can stand for; deflate itself reaches 1032."""


@dataclass(frozen=True)
class Pixels:
    """Where a header says that its pixels are."""

    path: Path
    """File that holds them."""
    offset: int
    """Byte at which they begin."""
    length: int
    """Bytes they take when unpacked."""
    packed: str = ""
    """`zlib` (gzip too), `bz2`, or empty where they are stored as they are."""


def check_pixels(name: str, pixels: Pixels) -> None:
    """Check that a file holds the pixels that the header of `name` promises, and unpack them once to compare sums.

    Raises:
        SampleError: naming the file and what is missing.
    """
    require_memory(name, pixels.length)
    stored = pixels.path.stat().st_size - pixels.offset
    if not pixels.packed:
        if stored < pixels.length:
            raise cut_off(name, pixels.length, str(max(stored, 0)))
        return
    check_ratio(name, pixels.length, stored)
    found = _unpacked(name, pixels)
    if found < pixels.length:
        raise cut_off(name, pixels.length, str(found))


def check_ratio(name: str, length: int, stored: int) -> None:
    """Refuse a header that promises more than its packed pixels can hold.

    Raises:
        SampleError: naming the file.
    """
    if length > stored * _RATIO:
        raise cut_off(name, length, f"{stored} packed bytes")


def cut_off(name: str, expected: int, got: str) -> SampleError:
    """Return the error for a file that ends too early."""
    return SampleError(f"{name} is cut off", expected=f"{expected} bytes of pixels", got=got)


def refuse_holes(name: str, values: NDArray[Any]) -> None:
    """Refuse values that are not finite.

    Raises:
        SampleError: naming the file.
    """
    if not np.isfinite(values).all():
        raise SampleError(
            f"{name} holds values that are not finite", expected="numbers", got="NaN or infinity",
            check="not_finite",
        )  # fmt: skip


def _unpacked(name: str, pixels: Pixels) -> int:
    """Return how many bytes come out; never more than one chunk at a time is held."""
    with pixels.path.open("rb") as file:
        file.seek(pixels.offset)
        try:
            return (
                _unzipped(file, pixels.length) if pixels.packed == "zlib" else _unzipped_bz2(file, pixels.length)
            )
        except (zlib.error, OSError, EOFError) as error:
            raise SampleError(f"{name} is damaged", got=str(error)) from None


def _unzipped(file: IO[bytes], length: int) -> int:
    unpack, count = zlib.decompressobj(47), 0  # 47: a zlib or a gzip head
    data = file.read(CHUNK)
    while data and not unpack.eof and count <= length:
        count += len(unpack.decompress(data, CHUNK))
        data = unpack.unconsumed_tail or file.read(CHUNK)
    return count if unpack.eof or count > length else min(count, length - 1)


def _unzipped_bz2(file: IO[bytes], length: int) -> int:
    unpack, count = bz2.BZ2Decompressor(), 0
    while not unpack.eof and count <= length:
        data = file.read(CHUNK) if unpack.needs_input else b""
        if unpack.needs_input and not data:
            return min(count, length - 1)
        count += len(unpack.decompress(data, CHUNK))
    return count
