"""What a method of the worker gets besides its arguments: whether to go on, and a way to report."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Send = Callable[[dict[str, Any]], None]


class Cancelled(Exception):
    """Nobody waits for this reply any more."""


class Work:
    """One request while it is carried out."""

    def __init__(
        self, number: int, method: str, arguments: dict[str, Any], send: Send, background: bool = False
    ) -> None:
        """Take the request as it came; `send` brings a message to the client."""
        self.number, self.method, self.arguments, self.background = number, method, arguments, background
        self._send = send
        self._cancelled, self._hurried = threading.Event(), threading.Event()

    def cancel(self) -> None:
        """Ask the method to end at its next step; from any thread."""
        self._cancelled.set()

    @property
    def hurried(self) -> bool:
        """Whether a person waits for another request: what can be continued later should end here."""
        return self._hurried.is_set()

    def hurry(self, hurried: bool = True) -> None:
        """Say whether a person waits for another request; from any thread."""
        if hurried:
            self._hurried.set()
        else:
            self._hurried.clear()

    def check(self) -> None:
        """Say that a step is done.

        Raises:
            Cancelled: when the reply is not wanted any more.
        """
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how far the work is, from 0 to 1, and check whether to go on.

        Raises:
            Cancelled: when the reply is not wanted any more.
        """
        self.check()
        self._send({"id": self.number, "progress": float(fraction), "text": text})
