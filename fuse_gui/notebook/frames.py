"""Pictures that follow what is dragged in a notebook: not more of them than a browser can draw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD = 0.06
"""Seconds at least between two pictures."""
GATHER = 0.004
"""Seconds in which changes share a picture: those of an image and of its label map."""


class Frames:
    """Draws soon after something changed; there is a timer only between a change and its picture."""

    def __init__(self, draw: Callable[[], None], period: float = PERIOD) -> None:
        """Take what draws; it is called on a thread of its own, once at a time."""
        self._draw, self._period = draw, period
        self._lock, self._drawing = threading.Lock(), threading.Lock()
        self._timer: threading.Timer | None = None
        self._last = 0.0

    def poke(self) -> None:
        """Say that there is something else to draw."""
        with self._lock:
            if self._timer is None:
                wait = max(GATHER, self._last + self._period - time.monotonic())
                self._timer = threading.Timer(wait, self._fire)
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        """Draw no more until the next change."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return
            self._timer, self._last = None, time.monotonic()
        with self._drawing:
            self._draw()
