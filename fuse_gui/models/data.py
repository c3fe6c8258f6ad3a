"""The Data panel: open an experiment, look through its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from psygnal import Signal

from fuse_gui.models.cohort import PART
from fuse_gui.models.heads import class_names
from fuse_gui.models.project import Project
from fuse_gui.models.filter import FILTER_HELP
from fuse_gui.models.rows import Rows
from fuse_gui.models.strip import StripModel

PARTS = ("train", "validation", "test")


class DataModel:
    """The samples of the open experiment, what is wrong with them, and the one that is looked at."""

    title = "Data"
    open_label, new_label, save_label, save_as_label = "Open …", "New", "Save", "Save as …"
    previous_label, next_label = "◀ Previous", "Next ▶"
    open_help = "Open an experiment file (YAML)"
    new_help = "Start from an experiment that comes with the program"
    save_help = "Write the experiment to its file"
    save_as_help = "Write the experiment to another file"
    filter_hint, filter_help = "Filter: text, or part==test & age>60", FILTER_HELP
    leave_title, leave_question = "Unsaved changes", "The open experiment has changes that are not saved."
    file_types = "Experiments (*.yaml *.yml)"

    changed = Signal()
    """The words of the panel changed: summary, values, filter error."""

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self.strip = StripModel(project)
        self.rows = Rows()
        self._counts: dict[str, dict[str, int]] = {}
        self._cohort_changed()
        project.cohort_changed.connect(self._cohort_changed)
        project.parts_changed.connect(self._parts_changed)
        project.values_changed.connect(self.changed.emit)
        project.experiment_changed.connect(self.changed.emit)
        project.requests.busy_changed.connect(self._say_changed)

    # -- what can be done -----------------------------------------------------------------------------------------

    @staticmethod
    def with_ending(path: str) -> Path:
        """Return the file an experiment is written to: a name without an ending becomes a YAML file."""
        return Path(path) if Path(path).suffix else Path(path).with_suffix(".yaml")

    def open(self, path: Path | str) -> None:
        """Open an experiment file."""
        self.project.open(path)

    def new(self, preset: str) -> None:
        """Start from a preset."""
        self.project.new(preset)

    def set_filter(self, text: str) -> None:
        """Show the samples that meet the filter."""
        self.rows.set_filter(text)
        self.changed.emit()

    def select_row(self, position: int) -> None:
        """Look at the sample of a row."""
        if 0 <= position < len(self.rows):
            self.project.select(self.rows.id_at(position))

    def step(self, rows: int) -> None:
        """Look at the sample that many rows further down."""
        if len(self.rows):
            self.project.select(self.rows.neighbour(self.project.sample_id, rows))

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def can_save(self) -> bool:
        """Whether an experiment is open."""
        return self.project.experiment is not None

    @property
    def can_step(self) -> bool:
        """Whether there are rows to go through."""
        return len(self.rows) > 0

    @property
    def presets(self) -> list[str]:
        """Names of the presets."""
        return self.project.presets()

    @property
    def heading(self) -> str:
        """The open experiment and its file."""
        experiment = self.project.experiment
        if experiment is None:
            return "No experiment is open. Open one, or start from a preset."
        file = self.project.path.name if self.project.path else "no file yet"
        return f"{experiment.name} ({file}{', unsaved changes' if self.project.unsaved else ''})"

    @property
    def summary(self) -> str:
        """How many samples there are, in each part, and of each class."""
        if self.project.experiment is None:
            return ""
        if not self.rows.total:
            return "Reading the samples …" if self.project.requests.is_running("cohort") else "No samples."
        lines = [f"{_number(self.rows.total, 'sample')}{self._count(PART, PARTS)}"]
        lines += [f"{column}{self._count(column, classes)}" for column, classes in self._labels()]
        if len(self.rows) != self.rows.total:
            lines.append(f"{_number(len(self.rows), 'sample')} shown")
        return "\n".join(lines)

    @property
    def health(self) -> str:
        """What is wrong with the table, the first problems in words."""
        problems = self.project.cohort.problems
        if not len(self.project.cohort):
            return ""
        if not problems:
            return "No problems found in the table."
        first = [f"• {problem}" for problem in problems[:3]]
        rest = [f"… and {len(problems) - 3} more"] if len(problems) > 3 else []
        return "\n".join([_number(len(problems), "problem") + " in the table:", *first, *rest])

    @property
    def sample(self) -> str:
        """The sample that is looked at, and its values."""
        project = self.project
        if not project.sample_id:
            return "Click a row to look at its sample."
        waiting = "reading …" if project.requests.is_running("sample") else ""
        lines = [f"{key.removeprefix('data.')}: {self._named(key, text)}" for key, text in project.values.items()]
        return "\n".join([f"Sample {project.sample_id}", *(lines or filter(None, [waiting]))])

    def _named(self, key: str, text: str) -> str:
        experiment = self.project.experiment
        names = class_names(experiment, key.removeprefix("data.gt.")) if experiment else ()
        return f"{text} ({names[int(text)]})" if text.isdecimal() and int(text) < len(names) else text

    def _labels(self) -> Iterator[tuple[str, list[str]]]:
        experiment = self.project.experiment
        for steps in experiment.data.gt.values() if experiment else ():
            for spec in steps:
                column, classes = spec.args.get("column"), spec.args.get("classes")
                if isinstance(column, str) and isinstance(classes, list) and column in self.rows.columns:
                    yield column, [str(name) for name in classes]

    def _count(self, column: str, known: Sequence[str]) -> str:
        if column not in self._counts:
            self._counts[column] = self.project.cohort.counts(column)
        counts = self._counts[column]
        names = [*known, *(name for name in counts if name not in known)]
        return ": " + ", ".join(f"{name or '(none)'} {counts[name]:,}" for name in names if counts.get(name))

    def _cohort_changed(self) -> None:
        self._counts.clear()
        self.rows.set_table(self.project.cohort.columns, self.project.cohort.id)
        self.changed.emit()

    def _parts_changed(self) -> None:
        self._counts.clear()
        self.rows.set_table(self.project.cohort.columns, self.project.cohort.id)
        self.changed.emit()

    def _say_changed(self, _busy: str) -> None:
        self.changed.emit()


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
