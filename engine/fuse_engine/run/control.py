"""How the outside asks a run to end: files in `control/`, or a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

Request = Literal["stop", "cancel"]
REQUESTS: tuple[Request, ...] = ("cancel", "stop")
"""`stop`: end after this batch, with a checkpoint. `cancel`: the same, and leave validation or inference too."""


class Ended(Exception):
    """The work was left because its end was asked for."""

    def __init__(self, request: Request) -> None:
        """Take what was asked for."""
        super().__init__(request)
        self.request = request


class Control:
    """Tells a run whether its end was asked for; costs two looks at the disk."""

    def __init__(self, folder: Path) -> None:
        """Take the `control` folder of a run."""
        self._paths = {request: folder / request for request in REQUESTS}
        self._signalled = threading.Event()

    def wanted(self) -> Request | None:
        """Return what was asked for, if anything."""
        if self._signalled.is_set():
            return "cancel"
        return next((request for request, path in self._paths.items() if path.exists()), None)

    def leave_if_cancelled(self) -> None:
        """Leave work that needs no checkpoint of its own.

        Raises:
            Ended: when `cancel` was asked for.
        """
        if self.wanted() == "cancel":
            raise Ended("cancel")

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as `cancel`, so that a batch is always finished; only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled.set()
