"""The most similar of many names, found without comparing them all."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator

from fuse_engine.core.errors import nearest

_AROUND = 3


class Neighbours:
    """Names sorted by their beginnings and by their ends."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names to choose from."""
        self._forwards = sorted(names)
        self._backwards = sorted(name[::-1] for name in self._forwards)

    def nearest(self, name: str) -> str:
        """Return the name that looks most like `name` among those that begin or end like it; empty for none."""
        backwards = (found[::-1] for found in _around(self._backwards, name[::-1]))
        return nearest(name, {*_around(self._forwards, name), *backwards})


def _around(names: list[str], name: str) -> Iterator[str]:
    place = bisect.bisect(names, name)
    yield from names[max(0, place - _AROUND) : place + _AROUND]
