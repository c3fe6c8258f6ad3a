"""What is wrong now, by what it came from, so that each goes when its cause goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psygnal import Signal

from fuse_engine.core.errors import FuseError, Problem


class Problems:
    """Problems by topic: the last action's, the experiment's, the table's, a request's."""

    changed = Signal()

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._topics: dict[str, tuple[Problem, ...]] = {}

    @property
    def every(self) -> tuple[Problem, ...]:
        """All problems, the newest topic's first, each once in whatever form it came."""
        return tuple({str(problem): problem for group in self._topics.values() for problem in group}.values())

    def put(self, topic: str, problems: Sequence[Problem]) -> None:
        """Replace the problems of a topic; none takes the topic away."""
        if tuple(problems) == self._topics.get(topic, ()):
            return
        others = {name: group for name, group in self._topics.items() if name != topic}
        self._topics = {topic: tuple(problems), **others} if problems else others
        self.changed.emit()

    def clear(self, kept: Sequence[str] = ()) -> None:
        """Forget all problems but those of the topics `kept`."""
        self._topics = {name: group for name, group in self._topics.items() if name in kept}
        self.changed.emit()


def problems_in(error: Exception | str, place: str = "") -> list[Problem]:
    """Return what an error says; `place` is the field, where the error names none."""
    problems = error.problems if isinstance(error, FuseError) else (Problem(cause(error)),)
    return [replace(problem, where=problem.where or place) for problem in problems]


def cause(error: Exception | str) -> str:
    """Return an error of any kind in one line."""
    if isinstance(error, str):
        return error
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"
