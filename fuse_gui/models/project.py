"""The one open project: the experiment, its samples, its problems, its run, and the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal

import fuse_resources
from fuse_engine.core import registry
from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import RunFolder
from fuse_engine.service.client import Engine
from fuse_gui.models import faces
from fuse_gui.models.calm import Calm
from fuse_gui.models.cohort import EMPTY, Cohort, listing
from fuse_gui.models.desk import Desk
from fuse_gui.models.neighbours import Neighbours
from fuse_gui.models.requests import Deliver, call_now
from fuse_gui.models.screen import Screen
from fuse_gui.models.shown import Shown

DEBOUNCE = 0.3
"""Seconds without an edit after which the experiment is checked."""

HAND = 1.5
"""Seconds that are waited instead while a slider is dragged: a hand pauses, and the next preview must not wait."""

OVERLAYS = ("pred", "prob", "heat", "error")
"""Pictures that belong to one sample and go when another is chosen."""


class Project(Desk):
    """The state that all panels of one window share; every change is announced, nothing raises into a toolkit."""

    experiment_changed = Signal()
    cohort_changed = Signal()
    parts_changed = Signal()
    """What the samples are used for became known, or which are left out; the samples are the same."""
    sample_changed = Signal(str)
    """Id of the sample that was chosen; its pictures follow with `values_changed`."""
    values_changed = Signal()
    flow_changed = Signal()
    catalog_changed = Signal()
    run_changed = Signal()
    run_advanced = Signal()
    """The run wrote a checkpoint, or ended."""

    def __init__(
        self,
        engine: Engine,
        deliver: Deliver = call_now,
        catalog: Catalog | None = None,
        debounce: float = DEBOUNCE,
    ) -> None:
        """Take the engine's client and the way to the thread of the panels; no experiment is open yet."""
        super().__init__(engine, deliver)
        self.screen = Screen()
        self.neighbours, self.shown = Neighbours(self), Shown(self)
        self.experiment: Experiment | None = None
        self.path: Path | None = None
        self.cohort: Cohort = EMPTY
        self.sample_id = ""
        self.values: Mapping[str, str] = {}
        """Label and table values of the chosen sample, as text, by key."""
        self.flow: tuple[Mapping[str, Any], ...] = ()
        """Every key of the batch: key, shape, dtype, producer, consumers."""
        self.run: RunFolder | None = None
        self.catalog = catalog or Catalog()
        self._text: str | None = None
        self._saved: Experiment | None = None
        self._undo: list[Experiment] = []
        self._redo: list[Experiment] = []
        self._gesture = 0
        self._rest, self._reread = Calm(self, self._after_edit, debounce), False
        engine.restarted.connect(self._restarted)
        if catalog is None:
            self.load_catalog()

    # -- the experiment -------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Folder that relative paths of the experiment start from."""
        return self.experiment.folder if self.experiment else Path.cwd()

    @property
    def unsaved(self) -> bool:
        """Whether the experiment differs from its file."""
        return self.experiment is not None and self.experiment != self._saved

    @property
    def would_lose(self) -> bool:
        """Whether edits are lost when another experiment is opened now."""
        return self.unsaved and self.can_undo

    @staticmethod
    def presets() -> list[str]:
        """Return the names of the experiments that come with the program."""
        return list(fuse_resources.presets())

    def open(self, path: Path | str) -> bool:
        """Open an experiment file; what cannot be read becomes a problem and the open experiment stays."""
        with self.reporting("open"):
            experiment = Experiment.load(path)
            self._start(experiment, Path(path))
            self.say(f"opened {Path(path).name}")
            return True
        return False

    def new(self, preset: str) -> bool:
        """Start from one of the experiments that come with the program."""
        with self.reporting("open"):
            self._start(Experiment.from_preset(preset), None)
            self.say(f"new experiment from the preset {preset}")
            return True
        return False

    def start_with(self, experiment: Experiment) -> None:
        """Open an experiment that was made elsewhere, e.g. in a notebook; it has no file yet."""
        self._start(experiment, None)

    def save(self, path: Path | str | None = None) -> bool:
        """Write the experiment to its file, or to `path` from now on."""
        with self.reporting("save"):
            target = Path(path) if path else self.path
            if self.experiment is None or target is None:
                raise FuseError("nothing to save to", expected="an open experiment and a file name")
            if not target.parent.is_dir():
                raise FuseError(f"there is no folder {target.parent}")
            moved = faces.rebased(self.experiment, target.parent, self.catalog)
            moved.save(target)
            self._saved, self.path = moved, target
            if moved != self.experiment or moved.folder != self.experiment.folder:
                self.experiment, self._text = moved, None
                self._announce(everything=True)
            self.say(f"saved {target.name}")
            return True
        return False

    def set_experiment(self, experiment: Experiment, gesture: int = 0) -> None:
        """Make `experiment` the open one; the one before comes back with `undo`, that before a drag as one."""
        if self.experiment is None:
            self.start_with(experiment)
            return
        if experiment == self.experiment:
            return
        if not gesture or gesture != self._gesture:
            self._undo.append(self.experiment)
        self._redo.clear()
        self._put(experiment, gesture)

    def edit(self, place: Sequence[str | int], value: Any, gesture: int = 0) -> bool:
        """Set plain `value` at `place`; a value that does not fit becomes a problem and changes nothing.

        Edits that follow each other with the same `gesture`, other than 0, are taken back as one.
        """
        where = ".".join(map(str, place))
        with self.reporting("edit", where):
            if self.experiment is None:
                raise FuseError("no experiment is open")
            try:
                changed = self.experiment.changed(place, value)
            except (LookupError, TypeError) as error:
                if isinstance(error, FuseError):
                    raise
                raise FuseError("the experiment has no such place") from None
            self.set_experiment(changed, gesture)
            return True
        return False

    def undo(self) -> None:
        """Take the last edit back."""
        if self._undo and self.experiment is not None:
            self._redo.append(self.experiment)
            self._put(self._undo.pop())

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        if self._redo and self.experiment is not None:
            self._undo.append(self.experiment)
            self._put(self._redo.pop())

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to make again."""
        return bool(self._redo)

    def as_yaml(self) -> str:
        """Return the experiment as the text of its file."""
        if self._text is None:  # made when it is read: nobody does while a slider is dragged
            self._text = self.experiment.to_yaml() if self.experiment is not None else ""
        return self._text

    def as_python(self) -> str:
        """Return Python that trains the same experiment."""
        return faces.as_python(self.path, self.as_yaml())

    def as_command(self) -> str:
        """Return the shell command that trains the same experiment."""
        return faces.as_command(self.path, self._saved, self.experiment)

    # -- components -----------------------------------------------------------------------------------------------

    def load_catalog(self) -> None:
        """Learn which components there are; they arrive with `catalog_changed`."""
        threading.Thread(target=self._load_catalog, name="catalog", daemon=True).start()

    def add_components(self, path: Path) -> None:
        """Use a Python file of the user's own components: in the engine, and in the runs that start from here."""
        registry.use_files([path])
        self.say(f"reading the components of {path.name} …")
        self.load_catalog()
        if self.experiment is not None:
            self.check()

    # -- samples --------------------------------------------------------------------------------------------------

    def select(self, sample_id: str) -> None:
        """Choose a sample; its pictures come to the screen when the engine has read them."""
        if sample_id == self.sample_id:
            return
        self.sample_id, self.values = sample_id, {}
        for name in OVERLAYS:
            self.screen.hide(name)
        self.sample_changed.emit(sample_id)
        self.shown.read()

    def set_run(self, run: RunFolder | None) -> None:
        """Choose the run that is watched, predicted with and analyzed."""
        if (run and run.path) == (self.run and self.run.path):
            return
        self.run = run
        self.run_changed.emit()

    # -- the engine -----------------------------------------------------------------------------------------------

    @property
    def subject(self) -> Mapping[str, Any]:
        """What the engine is asked about where a question does not say: the open experiment."""
        return {"experiment": self.as_yaml(), "folder": str(self.folder)} if self.experiment is not None else {}

    def close(self) -> None:
        """Stop waiting for anything; the engine belongs to whoever made it."""
        self.engine.restarted.disconnect(self._restarted, missing_ok=True)
        super().close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _start(self, experiment: Experiment, path: Path | None) -> None:
        self.requests.cancel_all()
        self.neighbours.forget()
        self.shown.forget()
        self._undo.clear()
        self._redo.clear()
        self._problems.clear()
        self.experiment, self.path, self._saved = experiment, path, experiment if path else None
        self._text = None
        self.cohort, self.sample_id, self.values, self.flow, self.run = EMPTY, "", {}, (), None
        self.screen.clear()
        self.cohort_changed.emit()
        self.sample_changed.emit("")
        self.values_changed.emit()
        self.run_changed.emit()
        self._announce(everything=True)

    def _put(self, experiment: Experiment, gesture: int = 0) -> None:
        before, self.experiment = self.experiment, experiment
        self._gesture = gesture
        self._text = None
        data = before.data if before else None
        if data != experiment.data:
            self.neighbours.forget()
        if data is None or listing(data) != listing(experiment.data):
            self._read_cohort()
        self._announce(everything=False, reread=data != experiment.data, rest=HAND if gesture else None)

    def _announce(self, everything: bool, reread: bool = False, rest: float | None = None) -> None:
        self.experiment_changed.emit()
        if everything:
            self._read_cohort()
            self.check()
        else:
            self._reread |= reread
            self._rest.poke(rest)

    def _after_edit(self) -> None:
        reread, self._reread = self._reread, False
        self.check()
        if reread and self.sample_id:
            self.shown.read()

    def check(self, done: Callable[[Sequence[Problem]], None] = lambda _: None) -> None:
        """Have the experiment checked now: its problems and its keys follow; `done` gets the problems."""

        def checked(found: Sequence[Problem]) -> None:
            self._problems.put("experiment", found)
            done(found)

        self.ask("validate", "validate", checked, read=_problems)
        self.ask("flow", "flow", self._set_flow, failed=lambda _: self.clear("flow"))

    def _set_flow(self, flow: Sequence[Mapping[str, Any]]) -> None:
        self.flow = tuple(flow)
        self.flow_changed.emit()

    def _read_cohort(self) -> None:
        self.ask("cohort", "cohort", self._set_cohort, read=Cohort.from_reply)

    def _set_cohort(self, cohort: Cohort) -> None:
        self.cohort = cohort
        self._problems.put("table", cohort.problems)
        self.cohort_changed.emit()
        self._read_parts()

    def set_excluded(self, cohort: Cohort) -> None:
        """Take the same samples with others of them left out."""
        self.cohort = cohort
        self.parts_changed.emit()
        self._read_parts()

    def _read_parts(self) -> None:
        self.ask("parts", "parts", self._set_parts)

    def _set_parts(self, reply: Mapping[str, Any]) -> None:
        self.cohort = self.cohort.with_parts(reply["parts"])
        self._problems.put("table", (*self.cohort.problems, *_problems(reply["problems"])))
        self.parts_changed.emit()

    def set_values(self, values: Mapping[str, str]) -> None:
        """Take the values of the chosen sample; its pictures are on the screen."""
        self.values = dict(values)
        self.values_changed.emit()

    def _restarted(self, text: str) -> None:
        self.deliver(lambda: self.fail(text, topic="engine"))

    def _load_catalog(self) -> None:
        try:
            catalog = self.engine.catalog()
        except FuseError as error:
            self.deliver(lambda error=error: self.fail(error, topic="catalog"))  # type: ignore[misc]
            return
        self.deliver(lambda: self._set_catalog(catalog))

    def _set_catalog(self, catalog: Catalog) -> None:
        self.catalog = catalog
        broken = [Problem(f"{label} could not be loaded", got=reason) for label, reason in catalog.broken.items()]
        self._problems.put("catalog", broken)
        self.catalog_changed.emit()


def _problems(reply: Sequence[Mapping[str, str]]) -> tuple[Problem, ...]:
    return tuple(Problem(**problem) for problem in reply)
