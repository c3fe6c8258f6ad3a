"""Samples in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from pydantic import Field, PrivateAttr

from fuse_engine.core.registry import register
from fuse_engine.data.cache.base import Cache, array_of
from fuse_engine.data.processor import Value

_ENTRY = 256
"""Bytes that an entry takes besides its numbers."""


@dataclass
class _Held:
    """What a cache has in its hands; no part of what the cache is, so all are equal."""

    values: OrderedDict[str, Value] = field(default_factory=OrderedDict, compare=False)
    size: int = field(default=0, compare=False)

    def __reduce__(self) -> tuple[type[_Held], tuple[()]]:
        """Go to another process empty."""
        return _Held, ()


@register
class Memory(Cache):
    """Keeps processed samples in the memory of each process that loads; the ones used longest ago make room."""

    limit_gb: float = Field(4.0, gt=0)
    """Most memory to use in each of these processes, in GB."""
    _held: _Held = PrivateAttr(default_factory=_Held)

    def find(self, fingerprint: str) -> Value | None:
        """Return the value that is kept, or None."""
        held = self._held
        value = held.values.get(fingerprint)
        if value is not None:
            held.values.move_to_end(fingerprint)
        return value

    def keep(self, fingerprint: str, value: Value) -> None:
        """Keep a value; one that is larger than the limit leaves the others where they are."""
        held, limit, size = self._held, self.limit_gb * 1e9, _size(value)
        if fingerprint in held.values:
            held.size -= _size(held.values.pop(fingerprint))
        if size > limit:
            return
        while held.size + size > limit:
            held.size -= _size(held.values.popitem(last=False)[1])
        held.values[fingerprint] = value
        held.size += size

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every entry in this process by its fingerprint."""
        return {fingerprint: _size(value) for fingerprint, value in self._held.values.items()}


def _size(value: Value) -> int:
    return _ENTRY + array_of(value).nbytes
