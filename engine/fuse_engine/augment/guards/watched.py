"""What every pass over a sample's images took, and what it did to their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import Applied
from fuse_engine.augment.guards.caution import Caution
from fuse_engine.augment.render import Watch


@dataclass(frozen=True)
class ValueLimits:
    """What is warned of."""

    clipped: float = 0.05
    """Largest share of an image's pixels that a step may press against the ends of its range."""


class Watched(Watch):
    """Takes note of times, of values pressed against an end of the range, and of images that became constant."""

    def __init__(self, limits: ValueLimits | None = None, check: Callable[[], None] | None = None) -> None:
        """Take the limits; `check` is called after each pass, and may raise to end the work."""
        self._limits, self._check = limits or ValueLimits(), check
        self._seconds: dict[tuple[str, ...], float] = {}
        self._names: dict[str, str] = {}
        self.cautions: list[Caution] = []
        """What is odd, in the order it happened."""

    def moved(self, key: str, steps: Sequence[Applied], seconds: float) -> None:
        """Take note of one interpolation."""
        self._note(steps, seconds)

    def changed(
        self, key: str, applied: Applied, before: NDArray[Any], after: NDArray[Any], seconds: float
    ) -> None:  # fmt: skip
        """Take note of an intensity step."""
        self._note([applied], seconds)
        low, high = float(after.min()), float(after.max())
        if low == high:
            if before.min() != before.max():
                message = f"{applied.name} leaves only one value of '{key}': {low:.4g}."
                self.cautions.append(Caution(applied.step, "constant", message))
            return
        pressed = _ends(after, low, high) - _ends(before, float(before.min()), float(before.max()))
        if pressed > self._limits.clipped:
            message = (
                f"{applied.name} presses {pressed:.0%} of the pixels of '{key}' against the ends of the range, "
                f"{low:.4g} and {high:.4g}: what was different there is lost."
            )
            self.cautions.append(Caution(applied.step, "clipped", message))

    @property
    def times(self) -> list[dict[str, Any]]:
        """Milliseconds of every pass; spatial steps that follow each other are one pass and share its time."""
        return [
            {
                "step": steps[0], "steps": list(steps), "ms": 1e3 * seconds,
                "name": " + ".join(self._names[step] for step in steps),
            }
            for steps, seconds in self._seconds.items()
        ]  # fmt: skip

    def _note(self, steps: Sequence[Applied], seconds: float) -> None:
        if self._check is not None:
            self._check()
        places = tuple(dict.fromkeys(item.step for item in steps))
        self._names.update({item.step: item.name for item in steps})
        self._seconds[places] = self._seconds.get(places, 0.0) + seconds


def _ends(image: NDArray[Any], low: float, high: float) -> float:
    """Return the share of pixels at the ends of the range."""
    return (np.count_nonzero(image == low) + np.count_nonzero(image == high)) / image.size
