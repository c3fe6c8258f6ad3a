"""What a pickle says, as plain records: nothing in it is looked up, imported, called or built."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from fuse_engine.core.errors import FuseError

_STEPS, _SHARED = 100_000, 32
"""Steps that a pickle may take, and more for each of its bytes: only what is shared needs many."""
_OBJECT = 128
"""Bytes that an object takes, with its place on the stack and in the memo."""
_SECONDS = 120.0
_CLOCK = 4096


@dataclass(frozen=True)
class Global:
    """A name that the pickle asks for; only its text."""

    module: str
    name: str


@dataclass(eq=False, slots=True)
class Dict:
    """A dict as its pairs: a stranger's keys are never hashed, that alone could take for ever."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Set:
    """A set or frozenset as a list."""

    items: list[Any] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Call:
    """Something that the pickle wants called, and what it would have been given."""

    function: Any
    args: tuple[Any, ...]
    state: Any = None
    items: list[Any] = field(default_factory=list)
    pairs: list[tuple[Any, Any]] = field(default_factory=list)


class Budget:
    """Bounds what a pickle may cost in steps, bytes and seconds."""

    depth = 40
    """How deep lists may lie in each other."""

    def __init__(self, size: int) -> None:
        """Start the clock for a pickle of `size` bytes."""
        self._steps = _STEPS + _SHARED * size
        self._bytes = psutil.virtual_memory().available // 2
        self._end = time.monotonic() + _SECONDS
        self._clock = _CLOCK

    def spend(self, steps: int = 1, size: int = _OBJECT) -> None:
        """Count steps, and the bytes that each of them takes.

        Raises:
            FuseError: when the file cannot need as many, the memory cannot hold them, or it takes too long.
        """
        self._steps -= steps
        self._bytes -= steps * size
        self._clock -= steps
        if self._steps < 0 or self._bytes < 0:
            raise FuseError("the pickle asks for more memory than a table may take")
        if self._clock < 0:
            self._clock = _CLOCK
            if time.monotonic() > self._end:
                raise FuseError(f"the pickle takes longer than {_SECONDS:g} s to read")

    def text(self, text: str) -> str:
        """Count a text, which the table will hold, and return it.

        Raises:
            FuseError: as `spend`.
        """
        self.spend(1, 16 + len(text))
        return text


def is_call(record: Any, root: str, *names: str) -> bool:
    """Say whether a record is a call of one of these names in a package, in whichever module of it."""
    return isinstance(record, Call) and is_global(record.function, root, *names)


def is_global(record: Any, root: str, *names: str) -> bool:
    """Say whether a record is one of these names in a package."""
    return isinstance(record, Global) and record.module.partition(".")[0] == root and record.name in names


def fields(record: Any) -> Mapping[str, Any]:
    """Return the entries of a dict whose keys are texts.

    Raises:
        FuseError: when the record is none.
    """
    if not isinstance(record, Dict) or not all(type(key) is str for key, _ in record.pairs):
        raise unexpected(record, "named entries")
    return dict(record.pairs)


def unexpected(record: Any, expected: str) -> FuseError:
    """Return the error for a record that is not what stands there in a table."""
    return FuseError("the pickle holds what cannot be read", expected=expected, got=kind(record))


def kind(record: Any) -> str:
    """Return in a few words what a record is; its content could be endless."""
    for _ in range(3):
        record = record.function if isinstance(record, Call) else record
    if isinstance(record, Global):
        text = f"{record.module}.{record.name}"
        return ascii(text if len(text) <= 80 else f"{text[:79]}…").strip("'\"")
    names: dict[type, str] = {Dict: "dict", Set: "set", type(None): "nothing", Call: "a call"}
    return names.get(type(record), type(record).__name__)
