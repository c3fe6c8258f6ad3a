"""The scale of a slider: what is dragged is a round number, and comes back to the same tick."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST = 200
"""Ticks that a scale has at least."""
DIGITS = 3
"""Digits that a number on a logarithmic scale keeps."""


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` on the ticks 0 to `ticks`, evenly or in even ratios."""

    low: float
    high: float
    ticks: int
    decimals: int
    log: bool = False

    @classmethod
    def even(cls, low: float, high: float) -> Scale:
        """Return the scale over a range, each tick a round number; the ends move outwards to such a number."""
        wide = high - low
        if not (math.isfinite(wide) and wide > max(abs(low), abs(high)) * 1e-12):
            low, high = low - 1, low + 1
            wide = 2.0
        decimals = math.ceil(-math.log10(wide / LEAST))
        step = 10.0**-decimals
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(_number(first, decimals), _number(last, decimals), last - first, decimals)

    @classmethod
    def ratio(cls, low: float, high: float) -> Scale:
        """Return the scale over a range above 0 whose ticks have the same ratio."""
        return cls(low, max(high, low * 10), LEAST, 0, log=True)

    def number(self, tick: int) -> float:
        """Return the number on a tick."""
        if not self.log:
            return _number(round(self.low * 10.0**self.decimals) + tick, self.decimals)
        share = tick / self.ticks
        return float(f"{self.low ** (1 - share) * self.high**share:.{DIGITS}g}")

    def tick(self, number: float) -> int:
        """Return the tick nearest to a number; of one outside, that of the end."""
        if self.log:
            wide = math.log(self.high) - math.log(self.low)
            share = (math.log(number) - math.log(self.low)) / wide if number > 0 else 0.0
        else:
            share = (number - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * self.ticks)


def _number(steps: int, decimals: int) -> float:
    return float(f"{steps}e{-decimals}")
