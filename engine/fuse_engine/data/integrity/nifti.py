"""NIfTI files, .nii and .nii.gz."""

from __future__ import annotations

import gzip
import itertools
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import SampleError
from fuse_engine.data.integrity.grid import check_spacing
from fuse_engine.data.integrity.pixels import CHUNK, check_ratio, refuse_holes
from fuse_engine.data.memory import require_memory

_SLACK = 1 << 20
"""Bytes that may follow the pixels."""
_FLOATS = {16: "f4", 64: "f8"}
_HEAD = 540
"""Bytes of the longer of both headers."""
_OFFSET = 1 << 26
"""Bytes that header and extensions may take."""


@dataclass(frozen=True)
class _Header:
    """What the header says."""

    shape: tuple[int, ...]
    """Voxels along x, y, z, ..."""
    dtype: str
    """Of the numbers, where they are floats."""
    offset: int
    """Where the voxels begin."""
    end: int
    """Where they end."""
    pixdim: tuple[float, ...]
    """The sign of the third axis (0 counts as 1), then mm along x, y, z, ..."""
    codes: tuple[int, int]
    """Whether the place is said by a quaternion and by a matrix (0 no)."""
    quaternion: tuple[float, ...]
    """b, c, d of the rotation and the position of the first voxel, mm, RAS."""
    rows: tuple[float, ...]
    """The matrix from voxels to mm, RAS, 3 rows of 4."""


def check_nifti(path: Path) -> None:
    """Check header, place, length, checksum and values of a NIfTI file.

    A file whose quaternion and matrix put a voxel more than half a voxel apart is refused: which of them ITK takes
    depends on their codes, and other readers take the other one. So is a spacing that is 0, negative or NaN.

    Raises:
        SampleError: naming the file and what is wrong.
    """
    packed = path.name.lower().endswith(".gz")
    opener: Any = gzip.open if packed else open
    try:
        with opener(path, "rb") as file:
            head = file.read(_HEAD)
            header = _header(head, path)
            _check_place(header, path.name)
            size = path.stat().st_size
            require_memory(path.name, header.end)
            if packed:
                check_ratio(path.name, header.end, size)
            looked_at = packed or (header.dtype and size >= header.end)
            count = _scan(file, head, header, path) if looked_at else size
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SampleError(f"{path.name} is damaged or cut off", got=str(error)) from None
    if count < header.end:
        raise SampleError(
            f"{path.name} is cut off", expected=f"{header.end} bytes for {header.shape} voxels", got=str(count)
        )


def _header(head: bytes, path: Path) -> _Header:
    order = next((mark for mark in "<>" if head[:4] == struct.pack(mark + "i", 348)), "")
    second = next((mark for mark in "<>" if head[:4] == struct.pack(mark + "i", _HEAD)), "")
    if (order and len(head) < 348) or (second and len(head) < _HEAD) or not (order or second):
        raise SampleError(f"{path.name} does not begin with a NIfTI header")
    if order:
        dims = struct.unpack_from(order + "8h", head, 40)
        code, bits = struct.unpack_from(order + "2h", head, 70)
        pixdim = struct.unpack_from(order + "8f", head, 76)
        offset = struct.unpack_from(order + "f", head, 108)[0]
        codes = struct.unpack_from(order + "2h", head, 252)
        quaternion, rows = (
            struct.unpack_from(order + "6f", head, 256),
            struct.unpack_from(order + "12f", head, 280),
        )
    else:
        code, bits = struct.unpack_from(second + "2h", head, 12)
        dims = struct.unpack_from(second + "8q", head, 16)
        pixdim = struct.unpack_from(second + "8d", head, 104)
        offset = struct.unpack_from(second + "q", head, 168)[0]
        codes = struct.unpack_from(second + "2i", head, 344)
        quaternion, rows = (
            struct.unpack_from(second + "6d", head, 352),
            struct.unpack_from(second + "12d", head, 400),
        )
    shape = dims[1 : 1 + max(dims[0], 0)]
    if not 1 <= dims[0] <= 7 or min(shape) < 1 or not 0 < bits <= 256 or not 0 <= offset <= _OFFSET:
        raise SampleError(
            f"{path.name} has an impossible NIfTI header", got=f"size {shape}, {bits} bits, at byte {offset:g}"
        )
    start = max(int(offset), 352 if order else 544)
    floats = _FLOATS.get(code)
    return _Header(
        shape, f"{order or second}{floats}" if floats else "", start, start + math.prod(shape) * bits // 8,
        pixdim, codes, quaternion, rows,
    )  # fmt: skip


def _check_place(header: _Header, name: str) -> None:
    shape = header.shape[:3]
    # a plane often says 0 mm along the axis that it does not have
    check_spacing(name, [step if n > 1 else 1.0 for n, step in zip(shape, header.pixdim[1:], strict=False)])
    places = [_quaternion_place(header)] if header.codes[0] > 0 else []
    if header.codes[1] > 0:
        places.append(np.asarray(header.rows).reshape(3, 4))
    if not all(np.isfinite(place).all() for place in places):
        raise SampleError(f"{name} does not say where it lies", expected="numbers", got="NaN or infinity")
    if len(places) < 2:
        return
    ends = itertools.product(*((0, n - 1) for n in (*shape, 1, 1, 1)[:3]))
    corners = np.asarray([(*end, 1) for end in ends], float)
    apart = float(np.linalg.norm(corners @ (places[0] - places[1]).T, axis=1).max())
    steps = [step for n, step in zip(shape, header.pixdim[1:], strict=False) if n > 1]
    if apart > 0.5 * min(steps, default=1.0):
        raise SampleError(
            f"{name} says two places for its voxels, up to {apart:.3g} mm apart: its qform and its sform differ",
            expected="one place, e.g. after fslorient -copysform2qform (or -copyqform2sform)",
        )


def _quaternion_place(header: _Header) -> NDArray[np.float64]:
    """Return the matrix (3, 4) of the quaternion, by the NIfTI-1 standard, method 2."""
    b, c, d = header.quaternion[:3]
    a = math.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    signs = (1.0, 1.0, -1.0 if header.pixdim[0] < 0 else 1.0)
    return np.column_stack([turn * signs * np.asarray(header.pixdim[1:4]), header.quaternion[3:6]])


def _scan(file: IO[bytes], head: bytes, header: _Header, path: Path) -> int:
    """Read to the end, so that gzip compares its checksum, and look at every float; return the length."""
    rest = file.read(header.offset - len(head)) if header.offset > len(head) else b""
    voxels = head[header.offset :]
    count = len(head) + len(rest)
    while chunk := file.read(CHUNK):
        count += len(chunk)
        if count > header.end + _SLACK:
            raise SampleError(f"{path.name} holds more than its header says", expected=f"{header.end} bytes")
        if header.dtype:
            voxels += chunk[: max(0, header.end - (count - len(chunk)))]
            whole = len(voxels) // 8 * 8
            refuse_holes(path.name, np.frombuffer(voxels[:whole], header.dtype))
            voxels = voxels[whole:]
    if header.dtype:
        size = int(header.dtype[-1])
        refuse_holes(path.name, np.frombuffer(voxels[: len(voxels) // size * size], header.dtype))
    return count
