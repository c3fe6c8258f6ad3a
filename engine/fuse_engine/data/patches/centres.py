"""Draws a pixel of a class at once, from counts that are made in one pass over the label map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_MOST = 4096
"""Most classes of a label map; more are no classes but ids, intensities or a damaged file."""


@dataclass(frozen=True, eq=False)
class ClassIndex:
    """How many pixels of each class a label map holds up to the end of each of its lines along x.

    That is a few megabytes for the largest scans, where the positions of all pixels would take gigabytes.
    """

    classes: NDArray[np.int64]
    """The classes there are, in order, (k,)."""
    ends: NDArray[np.int64]
    """Pixels of a class up to and with each line, (k, lines)."""

    @classmethod
    def of(cls, label: NDArray[Any]) -> Self:
        """Count the classes of a label map ([z,] y, x); pixels below 0 do not count.

        Raises:
            ValueError: when it holds more classes than a label map can.
        """
        lines = label.reshape(-1, label.shape[-1])
        classes = np.asarray([item for item in _values(lines) if item >= 0], np.int64)
        if len(classes) > _MOST:
            raise ValueError(f"it holds {len(classes)} classes")
        ends = np.empty((len(classes), len(lines)), np.int64)
        for place, item in enumerate(classes.tolist()):
            np.cumsum(np.count_nonzero(lines == item, axis=1), out=ends[place])
        return cls(classes, ends)

    @classmethod
    def from_array(cls, array: NDArray[np.int64]) -> Self:
        """Return the index that `to_array` described."""
        return cls(array[:, 0], array[:, 1:])

    def to_array(self) -> NDArray[np.int64]:
        """Return the index as one array (k, 1 + lines)."""
        return np.concatenate([self.classes[:, None], self.ends], 1)

    def count(self, item: int) -> int:
        """Return how many pixels a class has."""
        place = np.flatnonzero(self.classes == item)
        return int(self.ends[place[0], -1]) if len(place) and self.ends.shape[1] else 0

    def draw(self, label: NDArray[Any], item: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Return a pixel ([z,] y, x) of a class, every one as likely; `label` is what the index was made of."""
        ends = self.ends[int(np.flatnonzero(self.classes == item)[0])]
        number = int(rng.integers(ends[-1]))
        line = int(np.searchsorted(ends, number, side="right"))
        before = int(ends[line - 1]) if line else 0
        x = int(np.flatnonzero(label.reshape(-1, label.shape[-1])[line] == item)[number - before])
        return (*(int(n) for n in np.unravel_index(line, label.shape[:-1])), x)


def _values(lines: NDArray[Any]) -> list[int]:
    if lines.dtype == np.uint8:
        return [int(n) for n in np.flatnonzero(np.bincount(lines.ravel(), minlength=256))]
    return [int(n) for n in np.unique(lines)]
