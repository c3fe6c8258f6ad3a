"""Finds image files that are damaged although the reader would accept them.

ITK fills what is missing of a truncated NIfTI or JPEG file with zeros, leaves out the slices that a truncated
TIFF lost, turns NaN voxels of NIfTI into 0 and follows a header to any file on the disk, all without a word.
"""

from __future__ import annotations

import gzip
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from fuse_engine.core.errors import SampleError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
"""Endings of the files that can be read."""

_CHUNK = 1 << 22
_SLACK = 1 << 20
"""Bytes that may follow the pixels of a NIfTI file."""


def check_file(path: Path) -> None:
    """Check that an image file holds everything that its header says.

    Raises:
        SampleError: naming the file and what is wrong with it.
    """
    check_name(path)
    status = path.stat()
    _check(path, status.st_size, (status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


def ending(path: Path) -> str:
    """Return the ending of a file name that tells the format.

    Raises:
        SampleError: for a format that cannot be read.
    """
    name = path.name.lower()
    found = max((item for item in ENDINGS if name.endswith(item)), key=len, default="")
    if not found:
        raise SampleError(f"cannot read {path.name}", expected=f"a file that ends in {', '.join(ENDINGS)}")
    return found


def data_file(path: Path) -> Path | None:
    """Return the file that holds the pixels where a .mhd or .nhdr header names another one.

    Raises:
        SampleError: when that file is missing or outside the header's folder.
    """
    kind = ending(path)
    if kind not in (".mhd", ".mha", ".nhdr", ".nrrd"):
        return None
    name = _named_by_header(path, "elementdatafile" if kind.startswith(".m") else "datafile")
    if name is None or (kind.startswith(".m") and name.upper() == "LOCAL"):
        return None
    folder = path.parent.resolve()
    found = (folder / name).resolve()
    if not found.is_relative_to(folder):
        raise SampleError(f"{path.name} takes its pixels from '{name}', outside its own folder")
    if not found.is_file():
        raise SampleError(f"{path.name} takes its pixels from '{name}', which is not there")
    return found


@lru_cache(maxsize=4096)
def _check(path: Path, size: int, version: tuple[int, ...]) -> None:
    """Check a file once; `version` only tells it from what stood there before."""
    kind = ending(path)
    if not size:
        raise SampleError(f"{path.name} is empty")
    if kind in (".nii", ".nii.gz"):
        _check_nifti(path, kind)
    elif kind in (".jpg", ".jpeg"):
        _check_jpeg(path)
    elif kind in (".tif", ".tiff"):
        _check_tiff(path, size)
    elif kind == ".dcm":
        _check_dicom(path)
    else:
        data_file(path)


def check_name(path: Path) -> None:
    """Refuse a file name that is not UTF-8."""
    # ITK aborts the whole process on such a name
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        raise SampleError(f"the name of file '{shown}' is not UTF-8", expected="a renamed file") from None


def _named_by_header(path: Path, field: str) -> str | None:
    with path.open("rb") as file:
        for line in file.read(65536).split(b"\n"):
            if not line.strip():
                return None
            name, mark, value = line.partition(b"=" if field == "elementdatafile" else b":")
            if mark and name.replace(b" ", b"").decode("ascii", "replace").lower() == field:
                return value.decode("utf-8", "replace").strip()
    return None


@dataclass(frozen=True)
class _Nifti:
    shape: tuple[int, ...]
    """Voxels along x, y, z, ..."""
    dtype: str
    """Of the numbers, where they are floats."""
    offset: int
    """Where the voxels begin."""
    end: int
    """Where they end."""


def _check_nifti(path: Path, kind: str) -> None:
    opener: Any = gzip.open if kind == ".nii.gz" else open
    try:
        with opener(path, "rb") as file:
            head = file.read(540)
            header = _nifti_header(head, path)
            count = _scan(file, head, header, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SampleError(f"{path.name} is damaged or cut off", got=str(error)) from None
    if count < header.end:
        raise SampleError(
            f"{path.name} is cut off", expected=f"{header.end} bytes for {header.shape} voxels", got=str(count)
        )


def _nifti_header(head: bytes, path: Path) -> _Nifti:
    order = next((mark for mark in "<>" if head[:4] == struct.pack(mark + "i", 348)), "")
    second = next((mark for mark in "<>" if head[:4] == struct.pack(mark + "i", 540)), "")
    if (order and len(head) < 348) or (second and len(head) < 540) or not (order or second):
        raise SampleError(f"{path.name} does not begin with a NIfTI header")
    if order:
        dims = struct.unpack_from(order + "8h", head, 40)
        code, bits = struct.unpack_from(order + "2h", head, 70)
        offset = struct.unpack_from(order + "f", head, 108)[0]
    else:
        code, bits = struct.unpack_from(second + "2h", head, 12)
        dims = struct.unpack_from(second + "8q", head, 16)
        offset = struct.unpack_from(second + "q", head, 168)[0]
    shape = dims[1 : 1 + max(dims[0], 0)]
    if not 1 <= dims[0] <= 7 or min(shape) < 1 or not 0 < bits <= 256 or not 0 <= offset < 2**40:
        raise SampleError(f"{path.name} has an impossible NIfTI header", got=f"size {shape}, {bits} bits")
    start = max(int(offset), 352 if order else 544)
    voxels = int(np.prod(np.asarray(shape, object)))
    floats = {16: "f4", 64: "f8"}.get(code)
    return _Nifti(shape, f"{order or second}{floats}" if floats else "", start, start + voxels * bits // 8)


def _scan(file: IO[bytes], head: bytes, header: _Nifti, path: Path) -> int:
    """Read to the end, so that gzip compares its checksum, and look at every float; return the length."""
    rest = file.read(header.offset - len(head)) if header.offset > len(head) else b""
    voxels = head[header.offset :]
    count = len(head) + len(rest)
    while chunk := file.read(_CHUNK):
        count += len(chunk)
        if count > header.end + _SLACK:
            raise SampleError(f"{path.name} holds more than its header says", expected=f"{header.end} bytes")
        if header.dtype:
            voxels += chunk[: max(0, header.end - (count - len(chunk)))]
            whole = len(voxels) // 8 * 8
            _refuse_holes(np.frombuffer(voxels[:whole], header.dtype), path)
            voxels = voxels[whole:]
    if header.dtype:
        size = int(header.dtype[-1])
        _refuse_holes(np.frombuffer(voxels[: len(voxels) // size * size], header.dtype), path)
    return count


def _refuse_holes(values: np.ndarray, path: Path) -> None:
    if not np.isfinite(values).all():
        raise SampleError(
            f"{path.name} holds values that are not finite", expected="numbers", got="NaN or infinity"
        )


def _check_jpeg(path: Path) -> None:
    data = path.read_bytes()
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    # inside the coded pixels 0xFF is always followed by 0, so this mark can only be the end
    if data[:2] != b"\xff\xd8" or data.find(b"\xff\xd9", place) < 0:
        raise SampleError(f"{path.name} is cut off or no JPEG file")


def _check_tiff(path: Path, size: int) -> None:
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


def _check_dicom(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values in other tags are no reason to refuse the pixels
        try:
            found = pydicom.dcmread(path)
            plain = not found.file_meta.TransferSyntaxUID.is_encapsulated
            length = len(found.PixelData)
            bits = int(found.Rows) * int(found.Columns) * int(found.SamplesPerPixel) * int(found.BitsAllocated)
            expected = bits // 8 * int(found.get("NumberOfFrames") or 1)
        except (
            InvalidDicomError,
            EOFError,
            OSError,
            ValueError,
            TypeError,
            KeyError,
            RecursionError,
            struct.error,
        ) as error:
            raise SampleError(f"{path.name} is not a readable DICOM file", got=f"{type(error).__name__}") from None
        except AttributeError as error:
            raise SampleError(f"{path.name} holds no DICOM image", got=str(error)) from None
    if plain and length < expected:
        raise SampleError(f"{path.name} is cut off", expected=f"{expected} bytes of pixels", got=str(length))
