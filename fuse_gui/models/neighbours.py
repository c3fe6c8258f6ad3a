"""The samples next to the one that is looked at, read ahead so that the next key press need not wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fuse_engine.core.errors import FuseError

if TYPE_CHECKING:
    from fuse_gui.models.project import Project

CHANNEL = "ahead"
ROOM = 400e6
"""Bytes of pictures that are kept at most; the sample on the screen is kept in any case."""

Sample = Mapping[str, Any]
"""What the engine's `sample` answered."""


class Neighbours:
    """Keeps the samples that will likely be looked at next, and the one that is looked at."""

    def __init__(self, project: Project) -> None:
        """Take the project whose engine reads them."""
        self._project = project
        self._kept: dict[str, Sample] = {}
        self._wanted: tuple[str, ...] = ()
        self._failed: set[str] = set()

    def kept(self, sample_id: str) -> Sample | None:
        """Return a sample that was read ahead; ask the engine whether it is still the same."""
        return self._kept.get(sample_id)

    def keep(self, sample_id: str, sample: Sample) -> None:
        """Keep the sample that is looked at."""
        self._kept[sample_id] = sample

    def expect(self, ids: Sequence[str]) -> None:
        """Read these samples ahead, the first one first; all others make room."""
        self._wanted = tuple(ids)
        stay = {self._project.sample_id, *ids}
        self._kept = {name: sample for name, sample in self._kept.items() if name in stay}
        self._next()

    def forget(self) -> None:
        """Forget what was read: the samples are others now."""
        self._project.requests.cancel(CHANNEL)
        self._kept, self._wanted, self._failed = {}, (), set()

    def _next(self) -> None:
        if self._project.requests.is_running(CHANNEL) or sum(map(size, self._kept.values())) > ROOM:
            return
        missing = (name for name in self._wanted if name not in self._kept and name not in self._failed)
        if name := next(missing, ""):
            self._project.ask(
                "sample", CHANNEL, self._arrived(name), failed=self._refused(name), background=True, id=name,
                chosen=list(self._project.shown.chosen),
            )  # fmt: skip

    def _arrived(self, name: str) -> Callable[[Sample], None]:
        def keep(sample: Sample) -> None:
            if name in self._wanted:
                self._kept[name] = sample
            self._next()

        return keep

    def _refused(self, name: str) -> Callable[[FuseError], None]:
        def skip(_: FuseError) -> None:
            self._failed.add(name)  # why, is told when the sample is looked at
            self._next()

        return skip


def size(sample: Sample) -> int:
    """Return the bytes of a sample's pictures."""
    pictures = (value for value in sample.values() if isinstance(value, Mapping) and "array" in value)
    return sum(int(np.asarray(found["array"]).nbytes) for found in pictures)
