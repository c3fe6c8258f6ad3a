"""One request to the engine worker, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError


@dataclass(frozen=True)
class Reply:
    """The end of a job: a value, or an error."""

    job: Job
    value: Any = None
    error: FuseError | None = None
    stale: bool = False
    """Cancelled, or overtaken by a newer request on its channel: show nothing of it."""


class Job:
    """A request under way; it is settled exactly once."""

    progress = Signal(float, str)
    """How far it is, from 0 to 1, and with what; emitted from a thread of the engine."""

    def __init__(
        self, number: int, method: str, channel: str, arguments: dict[str, Any],
        then: Callable[[Reply], None] | None, cancel: Callable[[Job, str], None],
    ) -> None:  # fmt: skip
        """Take what `Engine.request` was given, and what ends the job early."""
        self.id, self.method, self.channel, self.arguments, self.then = number, method, channel, arguments, then
        self._cancel = cancel
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._reply: Reply | None = None

    @property
    def done(self) -> bool:
        """Whether there is a reply."""
        return self._done.is_set()

    def cancel(self) -> None:
        """Ask for no reply: the job ends now for whoever waits, and at its next step in the worker."""
        self._cancel(self, "cancelled")

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value, at most `timeout` seconds.

        Raises:
            FuseError: what went wrong, that the job was cancelled, or that it takes longer.
        """
        if not self._done.wait(timeout) or self._reply is None:
            raise FuseError(f"no reply to '{self.method}' within {timeout} s")
        if self._reply.error is not None:
            raise self._reply.error
        return self._reply.value

    def settle(self, reply: Reply) -> bool:
        """Take the reply; the first one counts. Return whether it was the first."""
        with self._lock:
            if self._reply is not None:
                return False
            self._reply = reply
        self._done.set()
        return True
