"""The Data panel: open an experiment, look through its samples, see what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from psygnal import Signal

from fuse_engine.core.health import CHECKS
from fuse_gui.models.cohort import PART, PARTS, REASON
from fuse_gui.models.columns import prepare
from fuse_gui.models.data_settings import DataSettings
from fuse_gui.models.details import Section, details
from fuse_gui.models.exclusions import ExclusionsModel
from fuse_gui.models.filter import FILTER_HELP
from fuse_gui.models.health import FINDINGS, HealthModel
from fuse_gui.models.project import Project
from fuse_gui.models.reads import Reads, columns_read, filled
from fuse_gui.models.rows import Rows
from fuse_gui.models.statistics import StatisticsModel
from fuse_gui.models.strip import StripModel
from fuse_gui.models.thumbnails import ThumbnailsModel
from fuse_gui.models.ticks import Ticks

AHEAD = (1, 2, -1)
"""Rows that are read ahead, counted from the one that is looked at."""


LARGE = 100_000
"""Rows from which the first order by a column is prepared while nobody waits for it."""
MANY = 20
"""Values of a column that the summary counts one by one."""


class DataModel:
    """The samples of the open experiment, what is wrong with them, and the one that is looked at."""

    title = "Data"
    open_label, new_label, save_label, save_as_label = "Open …", "New", "Save", "Save as …"
    previous_label, next_label = "◀ Previous", "Next ▶"
    previous_help, next_help = "The sample above (key A)", "The sample below (key D)"
    truth_label, truth_help = "Ground truth", "Show what is known to be true over the image (space bar)"
    keys_hint = "keys A, D, space"
    keys_help = "Click here: A and D then go through the samples, the space bar switches the ground truth"
    open_help = "Open an experiment file (YAML)"
    new_help = "Start from an experiment that comes with the program"
    save_help = "Write the experiment to its file"
    save_as_help = "Write the experiment to another file"
    filter_hint, filter_help = "Filter: text, or part==test & age>60 & has:lesion", FILTER_HELP
    leave_title, leave_question = "Unsaved changes", "The open experiment has changes that are not saved."
    file_types = "Experiments (*.yaml *.yml)"

    changed = Signal()
    """The words of the panel changed: summary, values, filter error."""
    sample_changed = Signal()
    """Another sample is looked at, or more is known about it."""

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self.settings = DataSettings(project)
        self.strip = StripModel(project)
        self.rows = Rows()
        self.health = HealthModel(project)
        self.exclusions = ExclusionsModel(project)
        self.thumbnails = ThumbnailsModel(project)
        self.statistics = StatisticsModel(self.rows)
        self.ticks = Ticks(self.rows)
        self._counts: dict[str, dict[str, int]] = {}
        self._reads: Reads = {}
        project.cohort_changed.connect(self._cohort_changed)
        project.parts_changed.connect(self._parts_changed)
        project.values_changed.connect(self._values_changed)
        project.sample_changed.connect(self._chosen)
        project.experiment_changed.connect(self._experiment_changed)
        project.catalog_changed.connect(self._experiment_changed)
        project.requests.busy_changed.connect(self._say_changed)
        project.screen.changed.connect(self._screen_changed)
        self.health.found.connect(self._found)
        self._cohort_changed()

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

    def toggle_filter(self, condition: str) -> None:
        """Ask for a condition too, or no more where it was asked for last."""
        self.set_filter(self.statistics.toggle(condition))

    def toggle_check(self, check: str) -> None:
        """Show the samples that a check found something in, or all again."""
        condition = f"check:{check}"
        if self.rows.filter != condition and not self.health.marks_rows(check):
            self.project.say(f"{CHECKS[check].title}: this belongs to no sample")
            return
        self.set_filter("" if self.rows.filter == condition else condition)

    def select_row(self, position: int) -> None:
        """Look at the sample of a row."""
        if 0 <= position < len(self.rows):
            self.project.select(self.rows.id_at(position))

    def step(self, rows: int) -> None:
        """Look at the sample that many rows further down."""
        if len(self.rows):
            self.project.select(self.rows.neighbour(self.project.sample_id, rows))

    def toggle_truth(self) -> None:
        """Show or hide what is known to be true."""
        self.project.screen.restyle("gt", visible=not self.truth_shown)

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
    def truth_shown(self) -> bool:
        """Whether what is known to be true is drawn, where there is any."""
        return bool(self.project.screen.style("gt").get("visible", True))

    def tone(self, position: int, column: str) -> str:
        """Return the colour of a cell by its name: faded for samples that are left out."""
        if self.rows.flag("is:excluded", position):
            return "faded"
        return "warning" if column == FINDINGS else ""

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
        return "\n".join(lines)

    @property
    def shown(self) -> str:
        """How many of the samples meet the filter; empty while there is none."""
        if len(self.rows) == self.rows.total:
            return ""
        return f"{len(self.rows):,} of {_number(self.rows.total, 'sample')} shown"

    @property
    def sample(self) -> str:
        """The sample that is looked at."""
        if not self.project.sample_id:
            return "Click a row to look at its sample."
        waiting = " (reading …)" if self.project.requests.is_running("sample") and not self.project.values else ""
        return f"Sample {self.project.sample_id}{waiting}"

    @property
    def sections(self) -> tuple[Section, ...]:
        """What is known about the sample that is looked at."""
        if not self.project.sample_id:
            return ()
        return details(self.project, self.health, self.rows.row(self.project.sample_id))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _labels(self) -> Iterator[tuple[str, list[str]]]:
        experiment = self.project.experiment
        for steps in experiment.data.gt.values() if experiment else ():
            for spec in steps:
                column, classes = spec.args.get("column"), spec.args.get("classes")
                if isinstance(column, str) and isinstance(classes, list) and column in self.rows.by_name:
                    yield column, [str(name) for name in classes]

    def _count(self, column: str, known: Sequence[str]) -> str:
        if column not in self._counts:
            self._counts[column] = self.project.cohort.counts(column)
        counts = self._counts[column]
        names = [*known, *(name for name in counts if name not in known)]
        said = ", ".join(f"{name or '(none)'} {counts[name]:,}" for name in names[:MANY] if counts.get(name))
        return f": {said}" if said and list(counts) != [""] else ""

    def _cohort_changed(self) -> None:
        self._counts.clear()
        self._reads = columns_read(self.project.experiment, self.project.catalog)
        self.health.reset()
        self.rows.set_table(self.project.cohort.columns, self.project.cohort.id)
        self._mark()
        if self.rows.error:  # the filter was made for another table
            self.rows.set_filter("")
        self.changed.emit()
        self.health.start()
        if len(self.project.cohort) > LARGE:
            columns = tuple(self.project.cohort.columns.values())
            self.project.aside(lambda: prepare(columns), lambda _: None, topic="order")

    def _experiment_changed(self) -> None:
        reads = columns_read(self.project.experiment, self.project.catalog)
        if reads != self._reads:
            self._reads = reads
            self._mark()
        self.changed.emit()

    def _parts_changed(self) -> None:
        self._counts.clear()
        self.health.recount()
        self._mark()
        self.changed.emit()
        self.sample_changed.emit()

    def _mark(self) -> None:
        """Show who is left out and what the checks found."""
        cohort, found = self.project.cohort, self.health.columns()
        known = {**cohort.columns, **found}
        ordered = {name: known[name] for name in (cohort.id, PART, REASON, FINDINGS) if name in known}
        flags = {"is:excluded": cohort.left_out, **self.health.flags(), **filled(self._reads, cohort.columns)}
        self.rows.update({**ordered, **known}, flags)

    def _found(self) -> None:
        self._mark()
        self.sample_changed.emit()

    def _chosen(self, _sample: str) -> None:
        self.sample_changed.emit()

    def _values_changed(self) -> None:
        self.sample_changed.emit()
        self.changed.emit()
        if self.project.values:
            self._read_ahead()

    def _read_ahead(self) -> None:
        """Have the neighbours read while the person looks at this sample."""
        own = self.project.sample_id
        at = self.rows.position(own)
        places = [at + step for step in AHEAD if 0 <= at + step < len(self.rows)] if at is not None else []
        self.project.neighbours.expect([self.rows.id_at(place) for place in places])

    def _screen_changed(self, name: str) -> None:
        if name == "gt":
            self.changed.emit()

    def _say_changed(self, _busy: str) -> None:
        self.changed.emit()
        self.sample_changed.emit()


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
