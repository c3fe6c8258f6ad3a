"""One kept value as bytes: a checksum, what it is, and its numbers, which can be used where they lie.

| bytes | |
|---|---|
| 14 | the format and its version |
| 4 | CRC-32 of the description and the numbers, little endian |
| 4 | length of the description, little endian |
| | the description as JSON, filled with spaces up to a multiple of 64 |
| | the numbers, in the order of the machine |

A CRC-32 finds every flip of one or two bits and every damage within 32 bits, and 2^32 - 1 of 2^32 others. It finds
no forgery; who can write here can write anywhere. SHA-256 takes 3.4 times as long, more than all of the writing.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data.cache.base import array_of
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Value

MAGIC = b"FUSE sample 2\n"
_HEAD = struct.Struct(f"<{len(MAGIC)}sII")
_HEADER_LIMIT = 1 << 16
_ALIGNED = 64
_DTYPES = frozenset(
    (
        "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "bool",
    )
)  # fmt: skip

Damage = (ValueError, KeyError, TypeError, struct.error, OverflowError, RecursionError, FuseError)
"""What reading damaged bytes may raise."""


class Entry:
    """A value, ready to be written."""

    def __init__(self, value: Value) -> None:
        """Take the value.

        Raises:
            FuseError: for an array that holds no plain numbers.
        """
        array = np.ascontiguousarray(array_of(value))
        if array.dtype.name not in _DTYPES:
            raise FuseError("a sample cannot hold this kind of array", got=array.dtype.name)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        facts = {**_facts(value), "dtype": array.dtype.name, "shape": list(np.shape(array_of(value)))}
        text = json.dumps(facts).encode()
        self._header = text + b" " * (-(_HEAD.size + len(text)) % _ALIGNED)
        self._body = array.reshape(-1).view(np.uint8)
        self.size = _HEAD.size + len(self._header) + self._body.nbytes

    def write(self, file: IO[bytes]) -> None:
        """Write it to an open file."""
        file.write(_HEAD.pack(MAGIC, _checksum(self._header, self._body), len(self._header)))
        file.write(self._header)
        file.write(self._body.data)


def read_entry(content: NDArray[np.uint8], verify: bool) -> Value:
    """Return the value in the bytes of an entry; its numbers are a view of them.

    Raises:
        One of `Damage`: when they are damaged.
    """
    magic, checksum, length = _HEAD.unpack(content[: _HEAD.size].tobytes())
    if magic != MAGIC:
        raise ValueError("not a cached sample of this version")
    if length > _HEADER_LIMIT or _HEAD.size + length > len(content):
        raise ValueError("cut off")
    header = content[_HEAD.size : _HEAD.size + length].tobytes()
    body = content[_HEAD.size + length :]
    if verify and _checksum(header, body) != checksum:
        raise ValueError("the checksum differs")
    facts = json.loads(header)
    if facts["dtype"] not in _DTYPES:
        raise ValueError("unknown kind of array")
    return _value(facts, body.view(facts["dtype"]).reshape(facts["shape"]))


def _facts(value: Value) -> dict[str, Any]:
    if isinstance(value, Image):
        return {"type": "image", "geometry": value.geometry.to_json()}
    if isinstance(value, str):
        return {"type": "text"}
    return {"type": "array" if isinstance(value, np.ndarray) else "number"}


def _value(facts: dict[str, Any], array: NDArray[Any]) -> Value:
    if facts["type"] == "text":
        return array.tobytes().decode()
    if facts["type"] == "image":
        return Image(array, Geometry.from_json(facts["geometry"]))
    return array if facts["type"] == "array" else cast(Value, array.item())


def _checksum(header: bytes, body: NDArray[np.uint8]) -> int:
    return zlib.crc32(body.data, zlib.crc32(header))
