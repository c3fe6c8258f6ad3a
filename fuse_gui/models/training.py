"""The Training panel: start, stop and continue runs, and watch them; the runs live on without the panel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from psygnal import Signal

from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.sections import Run, Training
from fuse_engine.run import process
from fuse_engine.run.folder import RunFolder, runs_root
from fuse_engine.run.status import ALIVE, Status
from fuse_gui.models.bound import Bound, live_offers
from fuse_gui.models.form import Group
from fuse_gui.models.history import History, shown_metrics
from fuse_gui.models.microscope import Microscope
from fuse_gui.models.plot import Figure
from fuse_gui.models.project import Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.strip import StripModel
from fuse_gui.models.watch import Report, RunRow, Watch

REDRAW = 0.5
"""Seconds at least between two drawings of the curves; one takes the window's thread 50 ms."""

STATES = {
    "queued": "waiting for its turn",
    "starting": "starting",
    "running": "running",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "cancelled": "cancelled",
    "lost": "lost",
}
CONTINUABLE = ("stopped", "failed", "cancelled", "lost")
WARNINGS = 5
"""Warnings that are shown, the newest ones."""


class TrainingModel:
    """The runs of the open experiment, and the one that is watched."""

    title = "Training"
    validate_label, start_label, resume_label = "Validate", "Start", "Resume"
    stop_label, cancel_label = "Stop after batch", "Cancel"
    validate_help = "Check the experiment without training"
    start_help = (
        "Train the experiment as it is now, in a process of its own that outlives this window; "
        "a run that is at work goes on beside it"
    )
    resume_help = "Continue the run from its last checkpoint"
    stop_help = "End after the batch it is in, keep the model, predict and analyze"
    cancel_help = "End now; the run can be continued from its last checkpoint"
    curves_label, runs_label, form_label, log_label = "Curves", "Runs", "Settings", "Log"
    no_runs = "This experiment has no runs yet."

    changed = Signal()
    """State, progress, log or buttons changed."""
    runs_changed = Signal()
    figure_changed = Signal()
    """The curves are to be drawn again; at most twice a second."""

    def __init__(self, project: Project, screen: Screen | None = None) -> None:
        """Follow the open project, and look for its runs; samples of a batch are put on `screen`, see there."""
        self.project = project
        self.microscope = Microscope(project, screen)
        offers = live_offers(project)
        self.forms = {
            "training": Bound(project, ("training",), Group(describe(Training), offers)),
            "run": Bound(project, ("run",), Group(describe(Run), offers)),
        }
        self.strip = StripModel(project)
        self.history = History()
        self.status = Status()
        self.log = ""
        self.runs: tuple[RunRow, ...] = ()
        self._asked = ""
        self._starting = False
        self._root: tuple[str, str] | None = None
        self._choose = True
        self._drawn, self._undrawn, self._marked = 0.0, False, -1
        self._watch = Watch(lambda report: project.deliver(lambda: self._reported(report)))
        project.experiment_changed.connect(self._experiment_changed)
        project.run_changed.connect(self._run_changed)
        project.requests.busy_changed.connect(self._busy_changed)
        project.closed.connect(self.close)
        self.microscope.changed.connect(self._mark)
        self._experiment_changed()
        self._run_changed()

    # -- what can be done -----------------------------------------------------------------------------------------

    def validate(self) -> None:
        """Check the experiment now."""
        if self.project.experiment is not None:
            self.project.check(self._checked)

    def start(self) -> None:
        """Train the experiment as it is now; returns at once."""
        with self.project.reporting("training"):
            experiment = self._startable()
            self._begin("starting …", lambda: process.start(experiment))

    def resume(self) -> None:
        """Continue the watched run from its last checkpoint; returns at once."""
        run = self.project.run
        if run is not None and self.can_resume:
            self._begin("continuing …", lambda: _resumed(run))

    def stop(self) -> None:
        """End the watched run after the batch it is in."""
        run = self.project.run
        if run is not None and self.can_stop:
            with self.project.reporting("training"):
                process.stop(run)
                self._ask("stop")

    def cancel(self) -> None:
        """End the watched run now; what does not end by itself is killed."""
        run = self.project.run
        if run is not None and self.can_cancel:
            self._ask("cancel")
            again = self._watch.refresh
            self.project.aside(lambda: process.kill(run), lambda _: again(), failed=self._failed, topic="cancel")

    def pick(self, step: str) -> None:
        """Open the batch of a step that was clicked on a curve."""
        self.microscope.open(int(step))

    def attach(self, run: RunFolder) -> None:
        """Watch another run, with everything it has reported so far."""
        self.project.set_run(run)

    def close(self) -> None:
        """Stop watching; runs go on."""
        self._watch.close()

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def can_start(self) -> bool:
        """Whether there is something to train, and nothing is being started."""
        return self.project.experiment is not None and not self._starting

    @property
    def can_validate(self) -> bool:
        """Whether there is something to check."""
        return self.project.experiment is not None

    @property
    def can_stop(self) -> bool:
        """Whether the watched run is at work and was not asked to end."""
        return self.status.state in ALIVE and not self._asked

    @property
    def can_cancel(self) -> bool:
        """Whether the watched run is at work and was not cancelled."""
        return self.status.state in ALIVE and self._asked != "cancel"

    @property
    def can_resume(self) -> bool:
        """Whether the watched run ended early."""
        return self.project.run is not None and self.status.state in CONTINUABLE and not self._starting

    @property
    def state(self) -> str:
        """What the watched run is doing, or why it ended."""
        if self._starting:
            return "Starting … (the run's process needs some seconds to load)"
        run = self.project.run
        if run is None:
            if self.project.experiment is None:
                return "No experiment is open."
            return "No run is chosen: there are some under Runs." if self.runs else "No run yet."
        word = STATES.get(self.status.state, self.status.state)
        if self.status.state in ALIVE and self._asked:
            word = "stopping after this batch" if self._asked == "stop" else "being cancelled"
        reason = f": {self.status.message}" if self.status.message else ""
        return f"Run {run.name} {'is ' if self.status.state in (*ALIVE, 'queued') else ''}{word}{reason}"

    @property
    def progress(self) -> str:
        """Epoch, step and the time that is left."""
        status = self.status
        if self.project.run is None or not status.steps:
            return ""
        texts = [
            f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}",
            f"step {self._step} of {status.steps}",
        ]
        left = (status.steps - self._step) * self.history.pace
        if status.state == "running" and math.isfinite(left) and left > 0:
            texts.append(f"about {duration(left)} left")
        return ", ".join(texts)

    @property
    def fraction(self) -> float:
        """How far the training is, from 0 to 1."""
        return min(self._step / self.status.steps, 1.0) if self.status.steps else 0.0

    @property
    def numbers(self) -> str:
        """The last epoch's losses and metrics, and the best epoch."""
        history = self.history
        lines = []
        for side in ("train", "validation"):
            losses, metrics = history.last(side, "losses"), history.last(side, "metrics")
            shown = {**losses, **{name: metrics[name] for name in shown_metrics(list(metrics))}}
            if shown:
                lines.append(
                    f"{side}: " + ", ".join(f"{name} {in_digits(value)}" for name, value in shown.items())
                )
        if history.best is not None:
            lines.append(f"best so far: epoch {history.best + 1}")
        return "\n".join(lines)

    @property
    def notes(self) -> str:
        """The newest warnings of the run."""
        warnings = self.history.warnings
        rest = [f"… {len(warnings) - WARNINGS} earlier warnings"] if len(warnings) > WARNINGS else []
        return "\n".join([*rest, *warnings[-WARNINGS:]])

    def figure(self) -> Figure:
        """Return the curves."""
        return self.history.figure(self.microscope.step)

    def row_text(self, row: RunRow) -> str:
        """Return one run of the list in words."""
        status = row.status
        epochs = f", epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}" if status.epochs else ""
        best = f", best {row.best}" if row.best else ""
        return f"{row.run.name}: {STATES.get(status.state, status.state)}{epochs}{best}"

    # -- inside ---------------------------------------------------------------------------------------------------

    @property
    def _step(self) -> int:
        last = self.history.steps[-1] + 1 if self.history.steps else 0
        return min(max(self.status.step, last), self.status.steps)

    def _startable(self) -> Experiment:
        experiment = self.project.experiment
        if experiment is None:
            raise FuseError("no experiment is open")
        if experiment.run.executor.name == "Inline":
            raise FuseError(
                "it would train inside the window", where="run.executor", expected="Local", got="Inline"
            )
        return experiment

    def _begin(self, message: str, action: Callable[[], RunFolder]) -> None:
        if self._starting:
            return
        self._starting, self._asked = True, ""
        self.project.say(message)
        self.changed.emit()
        self.project.aside(action, self._started, failed=self._failed, topic="training")

    def _started(self, run: RunFolder) -> None:
        self._starting = False
        if self.project.run == run:
            self._watch.attach(run)
        self.project.set_run(run)
        self._watch.refresh()
        self.project.say(f"run {run.name} started")
        self.changed.emit()

    def _checked(self, found: Sequence[Problem]) -> None:
        number = f"{len(found)} problem{'' if len(found) == 1 else 's'}"
        self.project.say(f"checked: {number if found else 'no problem'} in the experiment")

    def _failed(self) -> None:
        self._starting, self._asked = False, ""
        self.changed.emit()

    def _ask(self, what: str) -> None:
        self._asked = what
        self.changed.emit()

    def _experiment_changed(self) -> None:
        experiment = self.project.experiment
        root = (str(runs_root(experiment)), experiment.name) if experiment else None
        if root != self._root:
            self._root, self._choose, self.runs = root, True, ()
            self._watch.look_at(
                runs_root(experiment) if experiment else None, experiment.name if experiment else ""
            )
            self.runs_changed.emit()
        self.changed.emit()

    def _run_changed(self) -> None:
        self.history, self.status, self.log, self._asked = History(), Status(), "", ""
        self.project.clear("run")
        self._watch.attach(self.project.run)
        self.changed.emit()
        self.figure_changed.emit()

    def _busy_changed(self, _busy: str) -> None:
        self.changed.emit()

    def _reported(self, report: Report) -> None:
        if report.runs is not None and report.runs != self.runs:
            self.runs = report.runs
            self.runs_changed.emit()
            self._choose_run()
        if report.run is None or report.run != self.project.run:
            return
        if report.gone:
            self.project.set_run(None)
            self.project.fail(f"the folder of run {report.run.name} was removed: {report.run.path}", topic="run")
            return
        if report.error is not None:
            self.project.fail(report.error, topic="run")
            return
        self.project.clear("run")
        if report.fresh:
            self.history = History()
        self.history.add(report.events)
        before = self.status.state
        self.status, self.log = report.status, report.log or self.log
        if self.status.state not in ALIVE:
            self._asked = ""
        self.changed.emit()
        self._draw(bool(report.events) or report.fresh)
        saved = any(event["kind"] == "checkpoint" for event in report.events)
        if not report.fresh and (saved or (before in ALIVE and self.status.state not in ALIVE)):
            self.project.run_advanced.emit()
        if not report.fresh and before in ALIVE and self.status.state not in ALIVE:
            self.project.say(self.state)

    def _draw(self, news: bool) -> None:
        self._undrawn = self._undrawn or news
        ended = self.status.state not in ALIVE
        if self._undrawn and (ended or time.monotonic() - self._drawn >= REDRAW):
            self._drawn, self._undrawn = time.monotonic(), False
            self.figure_changed.emit()

    def _mark(self) -> None:
        """Have the batch that is looked at marked on the curves."""
        if self._marked != self.microscope.step:
            self._marked = self.microscope.step
            self.figure_changed.emit()

    def _choose_run(self) -> None:
        """Attach to the run at work, else to the newest one, when a project has just been opened."""
        if self._choose and self.project.run is None and self.runs:
            alive = [row for row in self.runs if row.status.state in ALIVE]
            self.project.set_run((alive or self.runs)[0].run)
        self._choose = self._choose and not self.runs


def _resumed(run: RunFolder) -> RunFolder:
    process.resume(run)
    return run


def in_digits(value: float) -> str:
    """Return a figure as a person reads it: `0.9876`, or that it is undefined."""
    return "undefined" if math.isnan(value) else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return a time as a person says it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
