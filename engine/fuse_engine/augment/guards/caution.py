"""What a guard says, and what can be done about it with one click."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fuse_engine.augment.base import Augmentation
from fuse_engine.core.document import Place


@dataclass(frozen=True)
class Fix:
    """A change of the experiment."""

    title: str
    path: Place
    value: Any

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"title": self.title, "path": list(self.path), "value": self.value}


@dataclass(frozen=True)
class Caution:
    """What is odd about a step, or about the sample where `step` is empty."""

    step: str
    check: str
    """`laterality`, `clipped`, `constant`, `nothing` or `damage`."""
    message: str
    fixes: tuple[Fix, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "fixes": [fix.to_json() for fix in self.fixes]}


@dataclass(frozen=True)
class Placed:
    """A step, its path in records, and its place in the experiment."""

    path: str
    place: Place
    step: Augmentation
    p: float
    """Chance that it is reached and taken; those of a combination's choice are left out."""

    @property
    def off(self) -> Fix:
        """Switching it off."""
        return Fix(f"Switch {self.step.name()} off", (*self.place, "enabled"), False)


def every_step(steps: Sequence[Augmentation]) -> Iterator[Placed]:
    """Go over all steps that are switched on, those within others too."""
    for index, step in enumerate(steps):
        yield from _inner(Placed(str(index), ("augmentation", index, step.name()), step, step.p))


def _inner(outer: Placed) -> Iterator[Placed]:
    if not outer.step.enabled:
        return
    yield outer
    first = len(getattr(outer.step, "steps", ()))
    for index, step in enumerate(outer.step.within()):
        group, number = ("steps", index) if index < first else ("otherwise", index - first)
        reached = 1.0 if group == "otherwise" else outer.p
        place = (*outer.place, group, number, step.name())
        yield from _inner(Placed(f"{outer.path}.{index}", place, step, reached * step.p))
