"""A thread that looks into run folders, so that no panel ever waits for a disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fuse_engine.core.errors import FuseError
from fuse_engine.run.folder import RunFolder, list_runs
from fuse_engine.run.status import ALIVE, Status
from fuse_gui.models.problems import cause

POLL = 0.2
"""Seconds between two looks at the run that is watched."""
LIST = 2.0
"""Seconds between two looks at all runs."""
LOG_TAIL = 4000
"""Characters of the log that are shown."""
UNREADABLE = (FuseError, OSError, ValueError, LookupError, TypeError, AttributeError)
"""What reading a folder that no run of ours has written may raise; the watch must outlive it."""


@dataclass(frozen=True)
class RunRow:
    """One run of the list."""

    run: RunFolder
    status: Status
    best: str = ""
    """The best epoch and its value, where one is known."""


@dataclass(frozen=True)
class Report:
    """What one look found."""

    run: RunFolder | None
    fresh: bool
    """Whether the events start from the beginning of the run."""
    events: tuple[dict[str, Any], ...] = ()
    status: Status = field(default_factory=Status)
    log: str = ""
    runs: tuple[RunRow, ...] | None = None
    """All runs, where they were looked at."""
    error: FuseError | None = None
    gone: bool = False
    """Whether there is no folder of the run any more."""


class Watch:
    """Looks at one run five times a second and at the list of runs every two seconds, until it is closed."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        """Take what is called from the watching thread with every report that has news."""
        self._report = report
        self._guard = threading.Lock()
        self._wake, self._closed = threading.Event(), False
        self._root: Path | None = None
        self._experiment = ""
        self._run: RunFolder | None = None
        self._since, self._fresh = 0, True
        self._listed = 0.0
        self._orders = 0
        self._status: Status | None = None
        self._final: dict[Path, RunRow] = {}
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)
        self._thread.start()

    def look_at(self, root: Path | None, experiment: str) -> None:
        """List the runs of an experiment below `root` from now on."""
        with self._guard:
            self._root, self._experiment, self._listed = root, experiment, 0.0
            self._orders += 1
        self._wake.set()

    def attach(self, run: RunFolder | None) -> None:
        """Watch a run from its first event on."""
        with self._guard:
            self._run, self._since, self._fresh, self._status = run, 0, True, None
            self._orders += 1
        self._wake.set()

    def refresh(self) -> None:
        """Look at the list of runs now."""
        with self._guard:
            self._listed = 0.0
            self._orders += 1
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(2.0)

    def _loop(self) -> None:
        while not self._closed:
            report = self._look()
            if report is not None and not self._closed:
                self._report(report)
            self._wake.wait(POLL)
            self._wake.clear()

    def _look(self) -> Report | None:
        with self._guard:
            run, since, fresh, orders = self._run, self._since, self._fresh, self._orders
            root, experiment, due = self._root, self._experiment, time.monotonic() - self._listed > LIST
        if run is not None and not run.path.is_dir():
            return Report(run, fresh, gone=True)
        try:
            runs = self._list(root, experiment) if root is not None and due else None
            events, end = run.events(since) if run else ([], 0)
            status = run.status() if run else Status()
            log = _tail(run) if run and (fresh or status != self._status) else ""
        except UNREADABLE as error:
            failure = (
                error if isinstance(error, FuseError) else FuseError(f"the run cannot be read: {cause(error)}")
            )
            return Report(run, fresh, error=failure)
        with self._guard:
            if orders != self._orders:  # given while this look went on: what it found may be of before
                return None
            news = fresh or bool(events) or status != self._status or runs is not None or status.state in ALIVE
            self._since, self._fresh, self._status = end, False, status
            self._listed = time.monotonic() if runs is not None else self._listed
        return Report(run, fresh, tuple(events), status, log, runs) if news else None

    def _list(self, root: Path, experiment: str) -> tuple[RunRow, ...]:
        found = [run for run in list_runs(root) if run.experiment_name == experiment]
        return tuple(self._row(run) for run in found)

    def _row(self, run: RunFolder) -> RunRow:
        try:
            status = run.status()
            known = self._final.get(run.path)
            if known is not None and known.status == status:
                return known
            row = RunRow(run, status, _best(run))
        except UNREADABLE as error:
            return RunRow(run, Status("lost", message=cause(error)))
        if status.state not in ALIVE:
            self._final[run.path] = row
        return row


def _tail(run: RunFolder) -> str:
    if not run.log.exists():
        return ""
    with run.log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - LOG_TAIL, 0))
        return file.read().decode("utf-8", "replace")


def _best(run: RunFolder) -> str:
    metrics = run.metrics()
    best = run.experiment().training.best
    if not best or best[0].source not in metrics or metrics[best[0].source].isna().all():
        return ""
    source, low = best[0].source, best[0].optimization == "min"
    values = metrics[source].to_numpy(float)
    at = int(np.nanargmin(values) if low else np.nanargmax(values))
    return f"{source.removeprefix('validation.')} {values[at]:.4g} at epoch {int(metrics['epoch'].iloc[at]) + 1}"
