"""Edits of the experiment that put right what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fuse_engine.core.document import Place
from fuse_engine.core.errors import Problem, short
from fuse_engine.core.experiment import Experiment

_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True)
class Fix:
    """One edit of the experiment, with its title on a button."""

    title: str
    path: Place
    """Place of the value in the experiment."""
    value: Any
    """Plain data."""


@dataclass(frozen=True)
class Mistake(Problem):
    """A problem that knows how it can be put right."""

    fixes: tuple[Fix, ...] = ()

    def to_json(self) -> dict[str, str]:
        """Return the non-empty fields of a plain problem."""
        return {name: text for name, text in super().to_json().items() if name != "fixes"}


def with_fixes(problem: Problem, experiment: Experiment) -> dict[str, Any]:
    """Return a problem as JSON with its fixes; where it has none of its own, the nearest right answer is one."""
    own = problem.fixes if isinstance(problem, Mistake) else ()
    found = own or tuple(_nearest(problem, experiment))
    return {**problem.to_json(), "fixes": [{**asdict(fix), "path": list(fix.path)} for fix in found]}


def place_of(where: str) -> Place:
    """Return the place that a dotted path names."""
    return tuple(int(part) if part.isdigit() else part for part in where.split(".")) if where else ()


def value_at(experiment: Experiment, place: Place) -> Any:
    """Return the plain value at a place as it is written, None where nothing is."""
    node: Any = experiment.to_data()
    for part in place:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def replaced(experiment: Experiment, place: Place, old: str, new: Any) -> Fix | None:
    """Return the fix that puts `new` in the place of `old` in a field that holds it, alone or in a list."""
    value = value_at(experiment, place)
    if value == old:
        return Fix(f"Use {_name(new)}", place, new)
    if isinstance(value, list) and old in value:
        return Fix(f"Use {_name(new)}", (*place, value.index(old)), new)
    return None


def _nearest(problem: Problem, experiment: Experiment) -> Iterator[Fix]:
    place = place_of(problem.where)
    if place and problem.message == f"'{place[-1]}' is missing" and place[-1] == "target":
        for name in experiment.data.gt:
            yield Fix(f"Use 'data.gt.{name}'", place, f"data.gt.{name}")
    if not problem.nearest:
        return
    value, new = value_at(experiment, place), problem.nearest
    if problem.message.startswith("unknown field "):
        yield from _renamed(experiment, place, new)
    elif isinstance(value, str):
        wrong = next((word for word in _QUOTED.findall(f"{problem.message} {problem.got}") if word in value), "")
        if wrong:
            yield Fix(f"Use '{new}'", place, re.sub(rf"(?<![\w.]){re.escape(wrong)}(?![\w.])", new, value))
    elif isinstance(value, list):
        at = next((index for index, item in enumerate(value) if f"'{item}'" in problem.message), None)
        if at is not None:
            yield Fix(f"Use '{new}'", (*place, at), new)
    elif isinstance(value, dict) and len(value) == 1 and problem.message.startswith("unknown "):
        yield Fix(f"Use '{new}'", place, {new: next(iter(value.values()))})


def _renamed(experiment: Experiment, place: Place, new: str) -> Iterator[Fix]:
    """Yield the fix of a field under a wrong name; not where the right one is there already."""
    fields = value_at(experiment, place[:-1])
    if isinstance(fields, dict) and new not in fields:
        renamed = {new if name == place[-1] else name: value for name, value in fields.items()}
        yield Fix(f"Call it '{new}'", place[:-1], renamed)


def _name(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else short(value)
