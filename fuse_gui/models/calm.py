"""A rest after many changes: what takes long is asked for when the hand has stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fuse_gui.models.desk import Desk

CALM = 0.35
"""Seconds without a change after which what takes long is computed."""


class Calm:
    """Calls once after the last of many changes."""

    def __init__(self, desk: Desk, act: Callable[[], None], pause: float = CALM) -> None:
        """Take what to do, on the thread of the panels, `pause` seconds after the last change."""
        self._desk, self._act, self._pause = desk, act, pause
        self._lock = threading.Lock()
        self._due = 0.0
        self._timer: threading.Timer | None = None
        desk.closed.connect(self.stop)

    def poke(self, pause: float | None = None) -> None:
        """Say that something changed, and how long to rest after it where that is not as long as usual."""
        rest = self._pause if pause is None else pause
        with self._lock:
            self._due = time.monotonic() + rest
            if self._timer is None:
                self._wait(rest)

    def stop(self) -> None:
        """Forget the changes so far."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        with self._lock:
            rest = self._due - time.monotonic()
            if self._timer is not threading.current_thread():
                return
            if rest > 0:
                self._wait(rest)
                return
            self._timer = None
        self._desk.deliver(self._act)
