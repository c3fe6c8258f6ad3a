"""Previews that follow what is dragged: often enough to be seen, never more than one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from psygnal import Signal

from fuse_gui.models.project import Project

PAUSE = 0.06
"""Seconds between a change and the request for its preview, so that several changes share one."""


class Refresh:
    """Asks for a preview soon after something changed, and again when it changed meanwhile.

    A preview that is under way is shown before the next one is asked for: while a slider is dragged the screen
    keeps moving instead of waiting for the hand to rest.
    """

    changed = Signal()
    """What is shown became out of date, or up to date again."""

    def __init__(self, project: Project, channel: str, ask: Callable[[], None], pause: float = PAUSE) -> None:
        """Take the channel that `ask` sends its request on; without a pause the first change asks at once."""
        self._project, self._channel, self._ask, self._pause = project, channel, ask, pause
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._again = False
        self.stale = False
        """Whether what is shown is older than what was set."""

    def poke(self) -> None:
        """Say that something has changed."""
        self._mark(True)
        if not self._pause:
            self._fire_at_once()
            return
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._pause, lambda: self._project.deliver(self._fire))
                self._timer.daemon = True
                self._timer.start()

    def arrived(self) -> None:
        """Say that the answer, or the error, is there."""
        with self._lock:
            again, self._again = self._again, False
            waiting = self._timer is not None
        if again:
            self.poke()
        else:
            self._mark(waiting)

    def stop(self) -> None:
        """Ask no more until the next change."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._again = None, False

    def _fire_at_once(self) -> None:
        with self._lock:
            self._again = self._project.requests.is_running(self._channel)
            due = not self._again
        if due:
            self._ask()

    def _fire(self) -> None:
        with self._lock:
            due, self._timer = self._timer is not None, None
            # In a notebook the answer arrives on another thread: `_again` must be set before it is looked at.
            self._again = due and self._project.requests.is_running(self._channel)
            due = due and not self._again
        if due:
            self._ask()

    def _mark(self, stale: bool) -> None:
        if stale != self.stale:
            self.stale = stale
            self.changed.emit()
