"""JPEG and TIFF files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fuse_engine.core.errors import SampleError


def check_jpeg(path: Path) -> None:
    """Check that the coded pixels of a JPEG file come to their end.

    Raises:
        SampleError: naming the file.
    """
    data = path.read_bytes()
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    # inside the coded pixels 0xFF is always followed by 0, so this mark can only be the end
    if data[:2] != b"\xff\xd8" or data.find(b"\xff\xd9", place) < 0:
        raise SampleError(f"{path.name} is cut off or no JPEG file")


def check_tiff(path: Path) -> None:
    """Check that every directory, strip and tile of a TIFF file lies within it.

    Raises:
        SampleError: naming the file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for end in _tiff_ends(file, path):
            if end > size:
                raise SampleError(f"{path.name} is cut off", expected=f"at least {end} bytes", got=str(size))


def _tiff_ends(file: IO[bytes], path: Path) -> Iterator[int]:
    """Yield where each directory and each strip or tile of pixels must end."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    version = struct.unpack(order + "H", head[2:4])[0] if order else 0
    if version not in (42, 43) or len(head) < 8:
        raise SampleError(f"{path.name} does not begin with a TIFF header")
    big = version == 43
    count_format, entry, step = (order + "Q", order + "HHQ8s", 8) if big else (order + "H", order + "HHI4s", 4)
    offset_format = order + ("Q" if big else "I")
    seen: set[int] = set()
    offset = struct.unpack_from(offset_format, head, 8 if big else 4)[0]
    while offset and offset not in seen:
        seen.add(offset)
        width = struct.calcsize(count_format)
        yield offset + width
        file.seek(offset)
        count = struct.unpack(count_format, file.read(width))[0]
        size = struct.calcsize(entry)
        yield offset + width + count * size + step
        entries = [struct.unpack(entry, file.read(size)) for _ in range(count)]
        offset = struct.unpack(offset_format, file.read(step))[0]
        tags = {tag: (kind, number, raw) for tag, kind, number, raw in entries}
        for starts, lengths in ((273, 279), (324, 325)):
            if starts in tags and lengths in tags:
                yield from _sums(
                    _numbers(file, *tags[starts], order, step), _numbers(file, *tags[lengths], order, step)
                )


def _numbers(file: IO[bytes], kind: int, number: int, raw: bytes, order: str, step: int) -> list[int]:
    code = {3: "H", 4: "I", 16: "Q"}.get(kind)
    if code is None or number > 1 << 24:
        return []
    format_ = f"{order}{number}{code}"
    size = struct.calcsize(format_)
    if size > step:
        file.seek(struct.unpack(order + ("Q" if step == 8 else "I"), raw)[0])
        raw = file.read(size)
    return list(struct.unpack(format_, raw[:size])) if len(raw) >= size else [1 << 62]


def _sums(starts: list[int], lengths: list[int]) -> Iterator[int]:
    yield from (start + length for start, length in zip(starts, lengths, strict=False))
