"""NRRD files, .nrrd and .nhdr: a text header, then the pixels or the name of their file."""

from __future__ import annotations

import math
from pathlib import Path

from fuse_engine.core.errors import SampleError
from fuse_engine.data.integrity.detached import data_file, header_fields
from fuse_engine.data.integrity.pixels import Pixels, check_pixels

_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), 8),
    **dict.fromkeys(("signed long long int", "ulonglong", "unsigned long long", "uint64", "uint64_t"), 8),
    **dict.fromkeys(("unsigned long long int", "double"), 8),
    "float": 4,
}
_PACKED = {"raw": "", "gzip": "zlib", "gz": "zlib", "bzip2": "bz2", "bz2": "bz2"}


def check_nrrd(path: Path) -> None:
    """Check header and pixels of an NRRD file.

    Raises:
        SampleError: naming the file and what is wrong.
    """
    with path.open("rb") as file:
        if file.read(4) != b"NRRD":
            raise SampleError(f"{path.name} does not begin with an NRRD header")
    fields, end = header_fields(path, ":")
    detached = data_file(path)
    length = _length(path.name, fields)
    encoding = fields.get("encoding", "").lower()
    skips = fields.get("lineskip", "0") != "0" or fields.get("byteskip", "0") != "0"
    if encoding in _PACKED and not skips:  # text encodings and skipped lines are left to ITK, which counts them
        source = Pixels(detached or path, 0 if detached else end, length, _PACKED[encoding])
        check_pixels(path.name, source)


def _length(name: str, fields: dict[str, str]) -> int:
    """Return the bytes of the pixels."""
    try:
        size = [int(word) for word in fields.get("sizes", "").split()]
        dims = int(fields.get("dimension", "0"))
    except ValueError:
        size, dims = [], 0
    if not 1 <= dims <= 5 or len(size) != dims or min(size) < 1:
        raise SampleError(
            f"{name} has an impossible NRRD header", expected="2 to 4 axes of 1 or more pixels",
            got=f"dimension {fields.get('dimension', 'none')}, sizes {fields.get('sizes', 'none')[:80]}",
        )  # fmt: skip
    kind = fields.get("type", "").lower()
    if kind not in _BYTES:
        raise SampleError(f"{name} holds pixels of an unknown type", got=kind or "none")
    return math.prod(size) * _BYTES[kind]
