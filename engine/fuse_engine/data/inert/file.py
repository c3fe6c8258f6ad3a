"""The file of a pickled table: as it is, or packed by gzip."""

from __future__ import annotations

import gzip
import io
import shlex
import zlib
from pathlib import Path

import psutil
import pyarrow as pa

from fuse_engine.core.errors import FuseError
from fuse_engine.core.reading import reading
from fuse_engine.data.inert.table import read_content

ENDINGS = (".pkl", ".pickle", ".pkl.gz", ".pickle.gz")
"""Endings of pickled tables."""
_LIMIT = 1 << 31
_CHUNK = 1 << 22
_PACKED = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""What pandas can pack a pickle with, by its first bytes."""


def read_table(path: Path) -> pa.Table:
    """Return a pickled DataFrame as text; nothing that the file names is looked up, imported or called.

    Raises:
        FuseError: naming the file, and why it cannot be read.
    """
    try:
        with reading(path):
            return read_content(_content(path))
    except FuseError as error:
        raise error.placed(source=path.name) from None


def convert_command(path: Path) -> str:
    """Return the command that makes a Parquet table of a pickled one."""
    name = next(path.name[: -len(ending)] for ending in sorted(ENDINGS, key=len, reverse=True)
                if path.name.lower().endswith(ending))  # fmt: skip
    return f"fuse-gui convert {shlex.quote(path.name)} {shlex.quote(f'{name}.parquet')}"


def _content(path: Path) -> bytes:
    limit = min(_LIMIT, psutil.virtual_memory().available // 4)
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        other = next((name for mark, name in _PACKED.items() if head.startswith(mark)), None)
        if other:
            raise FuseError(f"the pickle is packed by {other}", expected="a plain pickle, or one packed by gzip")
        if not head.startswith(b"\x1f\x8b"):
            return _limited(file, limit)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _limited(unpacked, limit)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FuseError("the file is damaged or cut off", got=str(error)) from None


def _limited(file: io.BufferedIOBase, limit: int) -> bytes:
    """Read to the end, but no more than the limit: a small packed file can unpack to anything."""
    content = bytearray()
    while chunk := file.read(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise FuseError("the pickle is too large for the memory", expected=f"at most {limit / 1e9:.1f} GB")
    return bytes(content)
