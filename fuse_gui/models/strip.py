"""The red strip: what failed, where, which sample, and what would help."""

from __future__ import annotations

from psygnal import Signal

from fuse_engine.core.errors import Problem
from fuse_gui.models.project import Project

SHOWN = 2


class StripModel:
    """The problems of the project in words; empty when nothing is wrong."""

    copy_label, open_label, dismiss_label = "Copy", "Show sample", "Dismiss"
    copy_help = "Copy all problems as text"
    dismiss_help = "Forget the problems of past actions"

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the problems of the project."""
        self.project = project
        project.problems_changed.connect(self.changed.emit)
        project.cohort_changed.connect(self.changed.emit)
        project.sample_changed.connect(self._follow)
        project.message_changed.connect(self._follow)
        project.requests.busy_changed.connect(self._follow)

    @property
    def text(self) -> str:
        """The first problems, each on lines of its own; empty when nothing is wrong."""
        problems = self.project.problems
        shown = [in_words(problem) for problem in problems[:SHOWN]]
        rest = [f"… and {len(problems) - SHOWN} more (Copy takes all)"] if len(problems) > SHOWN else []
        return "\n".join([*shown, *rest])

    @property
    def report(self) -> str:
        """All problems, to be pasted into a message."""
        return "\n".join(map(str, self.project.problems))

    @property
    def sample(self) -> str:
        """The sample to look at; empty where none is to blame, or where it is looked at already."""
        named = next((problem.sample for problem in self.project.problems if problem.sample), "")
        return named if named and named != self.project.sample_id and named in self.project.cohort else ""

    @property
    def line(self) -> str:
        """What the engine does now, else the last message."""
        return self.project.busy or self.project.message

    def open_sample(self) -> None:
        """Look at the sample that is to blame."""
        if self.sample:
            self.project.select(self.sample)

    def dismiss(self) -> None:
        """Forget the problems of past actions; those of the experiment and its table stay."""
        self.project.dismiss()

    def _follow(self, _text: str) -> None:
        self.changed.emit()


def in_words(problem: Problem) -> str:
    """Return a problem as a person reads it: what, where, expectation, suggestion."""
    where = ", ".join(
        part
        for part in (problem.where, f"sample {problem.sample}" if problem.sample else "", problem.source)
        if part
    )
    lines = [problem.message + (f" ({where})" if where else "")]
    if problem.expected:
        lines.append(f"   expected {problem.expected}" + (f"; got {problem.got}" if problem.got else ""))
    elif problem.got:
        lines.append(f"   got {problem.got}")
    if problem.nearest:
        lines.append(f"   did you mean '{problem.nearest}'?")
    return "\n".join(lines)
