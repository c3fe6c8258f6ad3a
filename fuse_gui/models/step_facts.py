"""What a step drew for the sample, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

HIDDEN = ("spacing", "seed", "shape")
"""Entries of the record that nobody drew, or nobody can read."""
LEAST = 0.1
"""Milliseconds below which nobody counts."""
LONG = 6
"""Numbers of a list that are still written out."""


@dataclass(frozen=True)
class StepFacts:
    """One card."""

    drawn: str
    """The drawn values, in words."""
    applied: bool
    """Whether chance let the step change the sample."""
    time: str
    """What it takes for the whole sample; empty where that is not known."""
    shown: bool
    """Whether the screen shows the sample right after this step."""


def facts_of(
    index: int, applied: Sequence[Mapping[str, Any]], times: Sequence[Mapping[str, Any]], shown: bool
) -> StepFacts | None:
    """Return the facts of the step at a position of the list; None where nothing was drawn for it."""
    own = [item for item in applied if top(item["step"]) == index]
    if not own:
        return None
    done = [item for item in own if item["params"] is not None]
    words = [drawn(item["params"]) if str(item["step"]) == str(index) else named(item) for item in done]
    text = "; ".join(filter(None, words)) or ("applied" if done else "not applied")
    return StepFacts(text, bool(done), time_of(index, times) if done else "", shown)


def time_of(index: int, times: Sequence[Mapping[str, Any]]) -> str:
    """Return what a step takes; steps that are computed in one pass say so, and the first of them has the time."""
    passes = [[top(step) for step in item.get("steps") or (item["step"],)] for item in times]
    spent = [float(item["ms"]) for item, steps in zip(times, passes, strict=True) if steps[0] == index]
    if spent:
        return duration(sum(spent))
    return next((f"in step {steps[0] + 1}" for steps in passes if index in steps), "")


def duration(ms: float) -> str:
    """Return milliseconds in words that are never longer than eight letters."""
    if ms < LEAST:
        return f"< {LEAST} ms"
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def top(step: object) -> int:
    """Return the position in the list of the step that a place such as `2.0` lies in; -1 for the sample before."""
    first = str(step).split(".")[0]
    return int(first) if first.isdigit() else -1


def named(item: Mapping[str, Any]) -> str:
    """Return name and drawn values of one entry of the record."""
    if item["params"] is None:
        return f"{item['name']}: not applied"
    channel = "" if item.get("channel") is None else f", channel {item['channel']}"
    return f"{item['name']}: {drawn(item['params']) or 'applied'}{channel}"


def drawn(params: Mapping[str, Any]) -> str:
    """Return drawn values in words."""
    seen = {name: value for name, value in params.items() if name not in HIDDEN}
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in seen.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({drawn(value)})"
    if isinstance(value, list | tuple | np.ndarray):
        count = int(np.size(np.asarray(value, dtype=object)))
        if count > LONG:
            return f"({count} numbers)"
        return f"({', '.join(map(_value, value))})" if count else "none"
    if isinstance(value, float):
        return np.format_float_positional(value, 4, unique=True, fractional=False, trim="-")
    return str(value)
