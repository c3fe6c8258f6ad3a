"""What the header of an array says, checked before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fuse_engine.core.errors import SampleError
from fuse_engine.data.memory import require_memory

_SMALL = 1 << 20
"""Bytes for which there is always room: to ask how much there is takes longer than to read them."""
_NUMBERS, _TEXTS = "biuf", "SU"


def version(path: Path) -> tuple[int, ...]:
    """Return what tells a file from what stood there before."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@dataclass(frozen=True)
class Member:
    """One array of a file."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    label: str
    """File and member, for messages."""

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.dtype.kind in _TEXTS

    def check(self, text: bool = False) -> None:
        """Refuse an array that holds no numbers, or no text where that is wanted.

        Raises:
            SampleError: naming file and member.
        """
        wanted = "text" if text else "numbers"
        if self.dtype.kind not in (_TEXTS if text else _NUMBERS) or not self.dtype.itemsize:
            raise SampleError(f"{self.label} holds no {wanted}", expected=wanted, got=str(self.dtype)[:80])

    @property
    def count(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def length(self) -> int:
        """Bytes of all values."""
        return self.count * self.dtype.itemsize

    @property
    def row_length(self) -> int:
        """Bytes of the values at one place of the first axis."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def check_place(self, place: int | None) -> None:
        """Check that there is a place on the first axis, and room for what is read.

        Raises:
            SampleError: naming file and member.
        """
        if place is not None and not (self.shape and 0 <= place < self.shape[0]):
            last = self.shape[0] - 1 if self.shape else -1
            raise SampleError(f"{self.label} has no place {place}", expected=f"0 to {last}", got=str(place))
        # the values as stored and the float32 copy are there at the same time
        length = self.length if place is None else self.row_length
        if length > _SMALL:
            require_memory(self.label, 2 * length)
