"""The geometry passports of a cohort as a few lines: what most images have in common, and which are odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fuse_engine.cli.printing import one_line, print_table

if TYPE_CHECKING:
    from fuse_engine.core.health import Passport

_KINDS = 4
"""Different values that are told; the others are counted."""
_FEW = 3
"""Samples with a value up to which they are named."""


def print_passports(passports: Sequence[Passport]) -> None:
    """Print for every key that reads images where these lie; nothing where none does."""
    by_key: dict[str, list[Passport]] = defaultdict(list)
    for passport in passports:
        by_key[passport.column].append(passport)
    if not by_key:
        return
    print("\nPassports: where the images lie; spacing in mm and size in pixels along ([z,] y, x)")
    rows = [(one_line(key), *row) for key, same in by_key.items() for row in _rows(same)]
    print_table(("key", "", "images"), rows)


def _rows(same: Sequence[Passport]) -> Iterator[tuple[str, str]]:
    yield "axes", _told({one.sample: one.axes or "not said" for one in same})
    yield "spacing", _told({one.sample: _times(one.spacing) for one in same})
    yield "size", _told({one.sample: _times(one.size) for one in same})
    yield "oblique", _told({one.sample: f"{one.oblique_deg:.0f}°" if one.oblique else "no" for one in same})
    masks = {one.sample: "on the grid of its image" for one in same if one.grid_matches}
    masks |= {one.sample: "NOT on the grid of its image" for one in same if one.grid_matches is False}
    if masks:
        yield "mask", _told(masks)


def _told(values: Mapping[str, str]) -> str:
    """Return the values, the most frequent first, each with its number of samples, and their names where few."""
    groups: dict[str, list[str]] = defaultdict(list)
    for sample, value in values.items():
        groups[value].append(sample)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    parts = [_part(value, samples, len(ordered)) for value, samples in ordered[:_KINDS]]
    rest = [sample for _, samples in ordered[_KINDS:] for sample in samples]
    if rest:
        parts.append(f"{len(ordered) - _KINDS} others: {len(rest)}{_names(rest)}")
    return ", ".join(parts)


def _part(value: str, samples: Sequence[str], kinds: int) -> str:
    return f"{value}: {len(samples)}{_names(samples) if kinds > 1 else ''}"


def _names(samples: Sequence[str]) -> str:
    return f" ({', '.join(map(one_line, samples))})" if len(samples) <= _FEW else ""


def _times(numbers: Sequence[float]) -> str:
    return " x ".join(f"{number:.3g}" if isinstance(number, float) else str(number) for number in numbers)
