"""What every cache can do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from fuse_engine.core.component import Component
from fuse_engine.core.registry import register
from fuse_engine.data.image import Image
from fuse_engine.data.processor import Value

if TYPE_CHECKING:
    from fuse_engine.data.cache.journal import Journal


class Cache(Component):
    """Keeps the values that pipelines compute, by their fingerprint."""

    kind: ClassVar[str] = "cache"

    @abstractmethod
    def find(self, fingerprint: str) -> Value | None:
        """Return the value that is kept under `fingerprint`, or None; it must not be changed."""

    @abstractmethod
    def keep(self, fingerprint: str, value: Value) -> None:
        """Keep a value under its fingerprint, as far as there is room; what cannot be kept is computed again."""

    def get(self, fingerprint: str, compute: Callable[[], Value]) -> Value:
        """Return the value that is kept, or compute and keep it; it must not be changed."""
        value = self.find(fingerprint)
        if value is None:
            value = compute()
            self.keep(fingerprint, value)
        return value

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Return the bytes of every entry by its fingerprint."""

    def pays(self, value: Value, seconds: float, tuned: bool) -> bool:
        """Say whether a result between two steps, which took `seconds`, is kept too, for when a later one changes.

        `tuned` says that the next step is the one that was changed last.
        """
        return False

    def within(self, folder: Path) -> Cache:
        """Return the cache with its relative paths taken from `folder`."""
        return self

    def journal(self, experiment: str, source: str, key: str) -> Journal | None:
        """Return the record of what this source's values of `key` were made of; None where none is kept."""
        return None


@register
class Off(Cache):
    """Keeps nothing: every sample is processed each time it is needed."""

    def find(self, fingerprint: str) -> None:
        """Find nothing."""

    def keep(self, fingerprint: str, value: Value) -> None:
        """Keep nothing."""

    def sizes(self) -> dict[str, int]:
        """Return no entry."""
        return {}


def array_of(value: Value) -> NDArray[np.generic]:
    """Return the numbers of a value; the bytes of a text."""
    if isinstance(value, str):
        return np.frombuffer(value.encode(), np.uint8)
    return np.asarray(value.array if isinstance(value, Image) else value)
