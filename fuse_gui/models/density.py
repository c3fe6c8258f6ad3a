"""A distribution as a small drawing: how likely each number is."""

from __future__ import annotations

import math

from fuse_engine.core.distribution import CUT, Distribution

Stroke = tuple[tuple[float, float], ...]
"""Points (x, y) of a line, both from 0 to 1, y upwards."""
_POINTS = 32
_BARS = 40


def sketch(distribution: Distribution | None, low: float, high: float) -> tuple[Stroke, ...]:
    """Return the lines that draw a distribution over the numbers from `low` to `high`; first the base line."""
    base: Stroke = ((0.0, 0.0), (1.0, 0.0))
    wide = high - low
    if distribution is None or not (math.isfinite(wide) and wide > 0):
        return (base,)

    def at(number: float) -> float:
        return min(max((number - low) / wide, 0.0), 1.0)

    if distribution.name in ("constant", "choice", "steps"):
        values = sorted(distribution.values)
        shown = values[:: math.ceil(len(values) / _BARS)]
        return (base, *(((at(value), 0.0), (at(value), 1.0)) for value in dict.fromkeys(shown)))
    curve = tuple((at(number), height) for number, height in _curve(distribution))
    return (base, ((curve[0][0], 0.0), *curve, (curve[-1][0], 0.0)))


def _curve(distribution: Distribution) -> list[tuple[float, float]]:
    first, last = distribution.low, distribution.high
    if distribution.name == "uniform":
        return [(first, 1.0), (last, 1.0)]
    if distribution.name == "log_uniform":
        numbers = [first * (last / first) ** (place / _POINTS) for place in range(_POINTS + 1)]
        return [(number, first / number) for number in numbers]
    mean, deviation = distribution.numbers
    offs = [CUT * (2 * place / _POINTS - 1) for place in range(_POINTS + 1)]
    return [(mean + deviation * off, math.exp(-off * off / 2)) for off in offs]
