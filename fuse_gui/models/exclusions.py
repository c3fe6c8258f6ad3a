"""Samples that are left out with a reason: a table beside the experiment, never a change of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_engine.core.exclusions import read_exclusions, write_exclusions
from fuse_gui.models.cohort import Cohort
from fuse_gui.models.project import Project

FILE = "excluded.csv"
"""Name of the table where the experiment names none; beside the experiment's file."""
REASONS = ("artefact", "wrong mask", "wrong image", "duplicate", "unreadable")
"""Reasons that are offered; any other can be typed."""


class ExclusionsModel:
    """Leaves samples out and takes them in again; the last change can be taken back."""

    exclude_label, include_label, undo_label = "Exclude …", "Include again", "Undo"
    exclude_help = "Leave the chosen samples out of every run, with a reason; the data stay as they are"
    include_help = "Use the chosen samples again"
    undo_help = "Take the last exclusion back"
    question = "Why are they left out?"

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self._before: list[tuple[Path, Mapping[str, str]]] = []
        self._typed: list[str] = []
        project.cohort_changed.connect(self._cohort_changed)

    @property
    def reasons(self) -> list[str]:
        """Reasons to choose from, the ones given last first."""
        return list(dict.fromkeys([*reversed(self._typed), *REASONS]))

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._before)

    def exclude(self, ids: Sequence[str], reason: str) -> None:
        """Leave samples out; a reason must be given."""
        with self.project.reporting("exclude"):
            if not reason.strip():
                raise FuseError("no sample is left out without a reason", expected="a few words")
            self._typed.append(reason.strip())
            self._change(dict.fromkeys(ids, reason.strip()), f"excluded {_number(len(ids))}")

    def include(self, ids: Sequence[str]) -> None:
        """Take samples in again."""
        with self.project.reporting("exclude"):
            self._change(dict.fromkeys(ids, ""), f"included {_number(len(ids))} again")

    def undo(self) -> None:
        """Take the last change back."""
        if self._before:
            path, reasons = self._before.pop()
            self._aside(lambda: (path, reasons), "took the last exclusion back", lambda: None)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _change(self, reasons: Mapping[str, str], words: str) -> None:
        path = self._place()
        before: dict[str, str] = {}

        def decide() -> tuple[Path, Mapping[str, str]]:
            # as it is on the disk now: another window may have excluded samples too
            before.update(read_exclusions(path) if path.is_file() else {})
            return path, {name: why for name, why in {**before, **reasons}.items() if name not in reasons or why}

        if reasons:
            self._aside(decide, words, lambda: self._before.append((path, before)))

    def _place(self) -> Path:
        experiment = self.project.experiment
        if experiment is None:
            raise FuseError("no experiment is open")
        if experiment.data.excluded is not None:
            return self.project.folder / experiment.data.excluded
        if self.project.path is None:
            raise FuseError(
                "the experiment has no file yet, and the list of excluded samples is kept beside it",
                expected="save the experiment first (Save as …)",
            )
        return self.project.folder / FILE

    def _aside(
        self, decide: Callable[[], tuple[Path, Mapping[str, str]]], words: str, done: Callable[[], None]
    ) -> None:
        """Write the table away from the panels, then show who is left out."""
        cohort = self.project.cohort

        def write() -> Cohort:
            path, reasons = decide()
            write_exclusions(path, reasons)
            return cohort.with_excluded(reasons)

        def written(changed: Cohort) -> None:
            done()
            experiment = self.project.experiment
            if experiment is not None and experiment.data.excluded is None:
                self.project.edit(("data", "excluded"), FILE)  # reads the table again, and with it who is left out
            else:
                self.project.set_excluded(changed)
            self.project.say(words)
            self.changed.emit()

        self.project.aside(write, written, topic="exclude")

    def _cohort_changed(self) -> None:
        if not len(self.project.cohort):  # another experiment is being opened
            self._before.clear()
            self.changed.emit()


def _number(count: int) -> str:
    return f"{count:,} sample{'' if count == 1 else 's'}"
