"""Where processed samples are kept, so that each is computed once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
import sys
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.files import atomic_write, cache_dir
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Value

_log = logging.getLogger(__name__)
_MAGIC = b"FUSE sample 1\n"
_HEAD = struct.Struct(f"<{len(_MAGIC)}s32sI")
_HEADER_LIMIT = 1 << 16
_DTYPES = frozenset(
    (
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
    )
)


class Cache(Component):
    """Keeps the values that pipelines compute, by their fingerprint."""

    kind: ClassVar[str] = "cache"

    @abstractmethod
    def get(self, fingerprint: str, compute: Callable[[], Value]) -> Value:
        """Return the value that is kept under `fingerprint`, or compute and keep it; it must not be changed."""


@register
class Off(Cache):
    """Keeps nothing: every sample is processed each time it is needed."""

    def get(self, fingerprint: str, compute: Callable[[], Value]) -> Value:
        """Return the computed value."""
        return compute()


@dataclass
class _Held:
    """What a cache has in its hands; no part of what the cache is, so all are equal."""

    values: OrderedDict[str, Value] = field(default_factory=OrderedDict, compare=False)
    size: int = field(default=0, compare=False)


@register
class Memory(Cache):
    """Keeps processed samples in the memory of this process; the ones used longest ago make room."""

    limit_gb: float = Field(4.0, gt=0)
    """Most memory to use, in GB."""
    _held: _Held = PrivateAttr(default_factory=_Held)

    def get(self, fingerprint: str, compute: Callable[[], Value]) -> Value:
        """Return the value that is kept, or compute and keep it."""
        held = self._held
        if fingerprint in held.values:
            held.values.move_to_end(fingerprint)
            return held.values[fingerprint]
        value = compute()
        held.values[fingerprint] = value
        held.size += _bytes_of(value)
        while held.size > self.limit_gb * 1e9 and held.values:
            held.size -= _bytes_of(held.values.popitem(last=False)[1])
        return value


@dataclass
class _Seen:
    """What this process knows about a folder of entries; no part of what the cache is, so all are equal."""

    verified: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False)
    written: float = field(default=float("inf"), compare=False)
    """Bytes written since the folder was last measured."""


@register
class Disk(Cache):
    """Keeps processed samples in files; damaged ones are computed again, the oldest make room."""

    folder: Path | None = None
    """Folder of the files; the user's cache folder where empty."""
    limit_gb: float = Field(50.0, gt=0)
    """Most disk space to use, in GB."""
    _seen: _Seen = PrivateAttr(default_factory=_Seen)

    def get(self, fingerprint: str, compute: Callable[[], Value]) -> Value:
        """Return the value that is kept, or compute and keep it; its checksum is compared once per process."""
        path = self._folder() / fingerprint[:2] / fingerprint
        value = self._read(path)
        if value is None:
            value = compute()
            self._write(path, value)
        return value

    def _folder(self) -> Path:
        return self.folder.expanduser() if self.folder else cache_dir() / "samples"

    def _read(self, path: Path) -> Value | None:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                version = (status.st_mtime_ns, status.st_size)
                value = _decode(file, status.st_size, verify=self._seen.verified.get(path.name) != version)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
            _log.warning("the cached sample %s is damaged and is computed again: %s", path.name, error)
            _remove(path)
            return None
        self._seen.verified[path.name] = version
        return value

    def _write(self, path: Path, value: Value) -> None:
        header, body = _encode(value)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # every entry is verified before its first use, so it need not survive a power cut
            atomic_write(path, lambda file: _store(file, header, body), durable=False)
        except OSError as error:
            _log.warning("a processed sample could not be kept: %s", error)
            return
        self._seen.written += _HEAD.size + len(header) + body.nbytes
        # other processes write too, so the folder is measured again long before this one alone could fill it
        if self._seen.written > self.limit_gb * 1e9 / 20:
            self._prune()

    def _prune(self) -> None:
        self._seen.written = 0
        entries = sorted(_entries(self._folder()))
        total = sum(size for _, size, _ in entries)
        if total <= self.limit_gb * 1e9:
            return
        for _, size, path in entries:
            if total <= self.limit_gb * 0.9e9:
                break
            _remove(path)
            total -= size


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """Return when each entry was written, its bytes and its path."""
    found = []
    for path in folder.glob("??/*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((status.st_mtime, status.st_size, path))
    return found


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("cannot remove %s: %s", path, error)


def _bytes_of(value: Value) -> int:
    array = value.array if isinstance(value, Image) else value
    return array.nbytes if isinstance(array, np.ndarray) else sys.getsizeof(array)


def _encode(value: Value) -> tuple[bytes, NDArray[Any]]:
    """Return what describes a value, and its numbers."""
    header: dict[str, Any] = {"type": "text" if isinstance(value, str) else "number"}
    array = np.asarray(value.array if isinstance(value, Image) else value)
    if isinstance(value, str):
        array = np.frombuffer(value.encode(), np.uint8)
    if isinstance(value, Image):
        header = {"type": "image", "geometry": value.geometry.to_json()}
    elif isinstance(value, np.ndarray):
        header = {"type": "array"}
    header.update(dtype=array.dtype.name, shape=list(array.shape))
    if array.dtype.name not in _DTYPES:
        raise FuseError("a sample cannot hold this kind of array", got=array.dtype.name)
    return json.dumps(header).encode(), np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _digest(header: bytes, body: NDArray[Any]) -> bytes:
    found = hashlib.sha256(header)
    found.update(body.data)
    return found.digest()


def _store(file: IO[bytes], header: bytes, body: NDArray[Any]) -> None:
    file.write(_HEAD.pack(_MAGIC, _digest(header, body), len(header)))
    file.write(header)
    file.write(body.data)


def _decode(file: IO[bytes], size: int, verify: bool) -> Value:
    """Read an entry of `size` bytes.

    Raises:
        ValueError, KeyError, TypeError, struct.error: when it is damaged.
    """
    magic, digest, length = _HEAD.unpack(file.read(_HEAD.size))
    if magic != _MAGIC or length > _HEADER_LIMIT:
        raise ValueError("not a cached sample")
    header = file.read(length)
    body = np.empty(max(size - _HEAD.size - length, 0), np.uint8)
    if file.readinto(body.data) != body.nbytes:  # type: ignore[attr-defined]
        raise ValueError("cut off")
    if verify and _digest(header, body) != digest:
        raise ValueError("the checksum differs")
    facts = json.loads(header)
    if facts["dtype"] not in _DTYPES:
        raise ValueError("unknown kind of array")
    array = body.view(facts["dtype"]).reshape(facts["shape"])
    if facts["type"] == "text":
        return str(array.tobytes(), "utf-8")
    if facts["type"] == "image":
        return Image(array, Geometry.from_json(facts["geometry"]))
    return array if facts["type"] == "array" else cast(Value, array.item())
