"""Before and after in turns, so that the eye sees what moves."""

from __future__ import annotations

import threading
from collections.abc import Callable

from psygnal import Signal

from fuse_gui.models.project import Project

PERIOD = 0.5
"""Seconds for which each of the two is seen."""


class Flicker:
    """Calls again and again while it is on."""

    label, help = "Flicker", "Show before and after in turns, twice a second"

    changed = Signal()
    """It was switched on or off."""

    def __init__(self, project: Project, turn: Callable[[], None], period: float = PERIOD) -> None:
        """Take what to do every `period` seconds, on the thread of the panels."""
        self._project, self._turn, self._period = project, turn, period
        self._timer: threading.Timer | None = None
        self.on = False
        project.closed.connect(lambda: self.set_on(False))

    def set_on(self, on: bool) -> None:
        """Begin or end."""
        if on == self.on:
            return
        self.on = on
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if on:
            self._wait()
        self.changed.emit()

    def _wait(self) -> None:
        self._timer = threading.Timer(self._period, lambda: self._project.deliver(self._next))
        self._timer.daemon = True
        self._timer.start()

    def _next(self) -> None:
        if self.on:
            self._turn()
            self._wait()
