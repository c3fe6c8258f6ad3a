"""A part of a form over a place in the open experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fuse_engine.core.document import Place
from fuse_engine.core.errors import Problem
from fuse_gui.models.field import Item, Offers
from fuse_gui.models.project import Project

FEW = 7
"""Names that a line at a field gives at most of what there is."""


def live_offers(project: Project) -> Offers:
    """Return what forms of this project offer: the components there are, and the keys its experiment produces."""
    offers = Offers(lambda kind: project.catalog.of(kind))

    def follow() -> None:
        offers.set_keys(str(info["key"]) for info in project.flow)

    project.flow_changed.connect(follow)
    follow()
    return offers


class Bound:
    """An item and its place: edits go to the project, and what the project holds comes back."""

    def __init__(self, project: Project, place: Place, item: Item) -> None:
        """Follow the project."""
        self.project, self.place, self.item = project, place, item
        item.edited.connect(self._edited)
        project.experiment_changed.connect(self.load)
        project.catalog_changed.connect(item.refresh)
        project.problems_changed.connect(self._show_problems)
        self.load()
        self._show_problems()

    def move_to(self, place: Place) -> None:
        """Edit another place with the same item."""
        self.place = place
        self.load()
        self._show_problems()

    def covers(self, problem: Problem) -> bool:
        """Say whether a problem is about this part."""
        return self._below(problem) is not None

    def focus(self, problem: Problem) -> None:
        """Have the field shown that a problem is about."""
        self.show(self._below(problem) or ())

    def show(self, below: Sequence[str]) -> None:
        """Have the item shown that is nearest to a place below this part, after what holds it."""
        last: Item | None = None
        for end in range(len(below) + 1):
            found = self.item.find(below[:end])
            if found is not last:
                found.wanted.emit()
            last = found

    def load(self) -> None:
        """Take what the project holds at the place."""
        data = self.project.experiment.to_data() if self.project.experiment else {}
        self.item.load(_at(data, self.place))

    def _edited(self) -> None:
        plain = self.item.plain()
        if self.project.experiment is not None and plain != _at(self.project.experiment.to_data(), self.place):
            self.project.edit(self.place, plain, max(item.gesture for item in self.item.walk()))

    def _show_problems(self) -> None:
        below = [(self._below(problem), problem) for problem in self.project.problems]
        self.item.show_problems((rest, in_short(problem)) for rest, problem in below if rest is not None)

    def _below(self, problem: Problem) -> tuple[str, ...] | None:
        parts, depth = tuple(problem.where.split(".")), len(self.place)
        return parts[depth:] if parts[:depth] == tuple(map(str, self.place)) else None


def in_short(problem: Problem) -> str:
    """Return a problem for a line at its own field, which need not be named again."""
    parts = [problem.message]
    parts += [f"sample '{problem.sample}'"] if problem.sample else []
    parts += [f"expected {_few(problem.expected)}"] if problem.expected else []
    parts += [f"got {problem.got}"] if problem.got else []
    parts += [f"did you mean '{problem.nearest}'?"] if problem.nearest else []
    return "; ".join(parts)


def _few(expected: str) -> str:
    """Return an expectation that names at most so many of what there is."""
    head, found, names = expected.partition("one of ")
    each = names.split(", ")
    if not found or len(each) <= FEW:
        return expected
    return f"{head}one of {', '.join(each[: FEW - 1])}, … ({len(each)} in all)"


def _at(data: Any, place: Place) -> Any:
    for part in place:
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data
