"""Files of numpy: .npy, and .npz, which is a zip archive of them."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.data.arrays.member import Member, version
from fuse_engine.data.integrity.pixels import cut_off

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': *'(?P<descr>[<>|=]?[?a-zA-Z]\d*)', *'fortran_order': *(?P<fortran>True|False), *"
    r"'shape': *\((?P<shape>[\dL, ]*)\),? *\} *\n?"
)
"""What numpy writes; it reads this as Python, here nothing else is taken."""
_LONGEST = 1 << 16
_LOCAL = struct.Struct("<4s22xHH")
"""Header of a file in a zip archive: signature, lengths of its name and of its extra field."""


def list_npy(path: Path) -> dict[str, Member]:
    """Return the array of a .npy file under the name ''.

    Raises:
        SampleError: when the header is none, or promises more than the file holds.
    """
    with path.open("rb") as file:
        header = _header(file, "", path.name)
        if file.tell() + header.member.length > path.stat().st_size:
            raise cut_off(path.name, header.member.length, f"{path.stat().st_size - file.tell()}")
    return {"": header.member}


def read_npy(path: Path, member: Member, place: int | None) -> NDArray[Any]:
    """Return the array of a .npy file, or one place of it; only that is read."""
    with path.open("rb") as file:
        return _values(file, _header(file, "", member.label), place)


def list_npz(path: Path) -> dict[str, Member]:
    """Return the arrays of an .npz file by name.

    Raises:
        SampleError: when it is no zip archive, or a member is no array.
    """
    return {name: entry.member for name, entry in _archive(path, version(path)).items()}


def find_npz(path: Path, name: str) -> Member | None:
    """Return one array of an .npz file, None where it is not there.

    Raises:
        SampleError: when it is no zip archive, or a member is no array.
    """
    entry = _archive(path, version(path)).get(name)
    return entry.member if entry else None


def read_npz(path: Path, member: Member, place: int | None) -> NDArray[Any]:
    """Return an array of an .npz file, or one place of it.

    Of a file that is not compressed only that place is read; one that is compressed has to be unpacked from its
    beginning, so the last arrays that were unpacked are kept.
    """
    now = version(path)
    entry = _archive(path, now)[member.name]
    if entry.start and place is not None:
        with path.open("rb") as file:
            file.seek(entry.start)
            return _values(file, _header(file, member.name, member.label), place)
    array = _unpacked(path, member, now)
    return array if place is None else array[place]


@dataclass(frozen=True)
class _Entry:
    """A member of an .npz file."""

    member: Member
    start: int
    """Where it begins; 0 where it is compressed."""


@dataclass(frozen=True)
class _Header:
    """What stands before the values of an array."""

    member: Member
    fortran: bool
    """Whether the first axis is the quickest."""


@lru_cache(maxsize=256)
def _archive(path: Path, version: tuple[int, ...]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    with _naming(path.name), path.open("rb") as raw, zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            label = f"{path.name}|{name}"
            if name == info.filename or name in found:
                raise SampleError(f"{label} is no array of numpy", expected="each name once, ending in .npy")
            with archive.open(info) as file:
                member = _header(file, name, label).member
                if file.tell() + member.length > info.file_size:
                    raise cut_off(label, member.length, f"{info.file_size - file.tell()}")
            start = _start(raw, info, label) if info.compress_type == zipfile.ZIP_STORED else 0
            found[name] = _Entry(member, start)
    return found


@lru_cache(maxsize=8)
def _unpacked(path: Path, member: Member, version: tuple[int, ...]) -> NDArray[Any]:
    member.check_place(None)
    with _naming(member.label), zipfile.ZipFile(path) as archive, archive.open(f"{member.name}.npy") as file:
        array = _values(file, _header(file, member.name, member.label), None)
        if file.read(1):
            raise SampleError(f"{member.label} holds more than its header says")
    return array


@contextmanager
def _naming(label: str) -> Iterator[None]:
    """Name the file in what is said of a damaged archive."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise SampleError(f"{label} is damaged or cut off", got=str(error)[:200]) from None


def _start(file: IO[bytes], info: zipfile.ZipInfo, label: str) -> int:
    """Return where a member that is not compressed begins."""
    file.seek(info.header_offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise SampleError(f"{label} is damaged or cut off", expected="a header before it")
    _, name, extra = _LOCAL.unpack(head)
    return info.header_offset + _LOCAL.size + int(name) + int(extra)


def _header(file: IO[bytes], name: str, label: str) -> _Header:
    head = file.read(8)
    size = {1: 2, 2: 4}.get(head[6], 0) if len(head) == 8 and head.startswith(_MAGIC) else 0
    length = int.from_bytes(file.read(size), "little")
    text = file.read(length).decode("latin1") if size and length <= _LONGEST else ""
    found = _HEADER.fullmatch(text)
    if not found:
        raise SampleError(f"{label} is no array of numbers", expected="a header of numpy", got=text[:80])
    try:
        shape = tuple(int(part.rstrip("L")) for part in found["shape"].replace(" ", "").split(",") if part)
        dtype = np.dtype(found["descr"])
    except (TypeError, ValueError):
        raise SampleError(f"{label} has an impossible header", got=text[:80]) from None
    if len(shape) > 32 or any(part >= 2**48 for part in shape):
        raise SampleError(f"{label} has an impossible header", got=text[:80])
    return _Header(Member(name, shape, dtype, label), found["fortran"] == "True")


def _values(file: IO[bytes], header: _Header, place: int | None) -> NDArray[Any]:
    """Read the values that follow a header, all or those of one place."""
    member = header.member
    rows = place is not None and not header.fortran
    length = member.row_length if rows else member.length
    if rows:
        file.seek(int(place or 0) * length, 1)
    content = file.read(length)
    if len(content) < length:
        raise cut_off(member.label, length, str(len(content)))
    flat = np.frombuffer(content, member.dtype).astype(member.dtype.newbyteorder("="), copy=False)
    array = flat.reshape(member.shape[1:] if rows else member.shape, order="F" if header.fortran else "C")
    return array if place is None or rows else array[place]
