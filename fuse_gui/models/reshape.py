"""What is kept of a distribution when a person chooses another kind of it."""

from __future__ import annotations

import math

from fuse_engine.core.distribution import Distribution

_MOST = 20
"""Steps that become a choice one by one."""


def reshaped(kind: str, former: Distribution | None, low: float, high: float) -> tuple[float, ...]:
    """Return the numbers of a kind that come closest to the former distribution.

    `low` and `high` say what is usual: one number becomes a range of a fifth of that around it.
    """
    if former is None:
        former = Distribution("constant", ((low + high) / 2,))
    if kind == "constant":
        return (_middle(former),)
    if kind == "choice":
        return _values(former)
    first, last = former.low, former.high
    if first == last:
        reach = (high - low) / 10
        first, last = (_off(first, end, reach) for end in (low, high))
    return _over(kind, first, last)


def _over(kind: str, first: float, last: float) -> tuple[float, ...]:
    """Return the numbers of a kind over a range."""
    if kind == "normal":
        middle = _round((first + last) / 2, last - first)
        return (middle, _round(min(middle - first, last - middle) / 3, last - first, down=True))
    if kind == "log_uniform":
        top = last if last > 0 else 1.0
        return (first if first > 0 else top / 100, top)
    if kind == "steps":
        return (first, last, _round((last - first) / 10, last - first) or 1.0)
    return (first, last)


def _values(former: Distribution) -> tuple[float, ...]:
    if former.name == "steps" and len(former.values) <= _MOST:
        return tuple(_round(value, former.numbers[2]) for value in former.values)
    return former.numbers if former.name in ("constant", "choice") else (former.low, former.high)


def _middle(former: Distribution) -> float:
    if former.name in ("choice", "steps"):
        values = sorted(former.values)
        return values[len(values) // 2]
    if former.name == "log_uniform":
        return _round(math.sqrt(former.low) * math.sqrt(former.high), former.low)
    if former.name == "normal":
        return former.numbers[0]
    return _round((former.low + former.high) / 2, former.high - former.low)


def _off(number: float, end: float, reach: float) -> float:
    """Return a number at `reach` from another, half the way to the end where that is nearer."""
    away = end - number
    wide = reach if abs(away) > reach else abs(away) / 2
    return _round(number + math.copysign(wide, away), reach)


def _round(number: float, wide: float, down: bool = False) -> float:
    """Return a number with the digits that matter in a range: four more than its width has."""
    if not wide > 0:
        return number
    decimals = min(4 - math.floor(math.log10(wide)), 300)
    found = round(number, decimals)
    return round(found - 10.0**-decimals, decimals) if down and found - number > wide * 1e-12 else found
