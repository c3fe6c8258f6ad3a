"""Requests to the engine: the newest of a channel wins, and its answer arrives on the thread of the panels."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_engine.service.client import Engine
from fuse_engine.service.job import Job, Reply

Deliver = Callable[[Callable[[], None]], None]
"""Runs a callable on the thread of the panels."""

WORDS = {
    "catalog": "reading the components",
    "validate": "checking the experiment",
    "flow": "checking the experiment",
    "graph": "",
    "preflight": "trying a step",
    "cohort": "reading the table of samples",
    "parts": "dividing the samples",
    "sample": "reading the sample",
    "steps": "running the processors",
    "roundtrip": "going there and back",
    "augment": "augmenting",
    "augment_plane": "",
    "augment_steps": "",
    "augment_sheet": "",
    "augment_draws": "drawing a thousand samples",
    "augment_network": "making what the network gets",
    "batch": "rebuilding the batch",
    "predict": "predicting",
    "heatmap": "computing the heatmap",
}
"""What the panels say while the engine works on a request; nothing where the words would flicker."""


def call_now(action: Callable[[], None]) -> None:
    """Run `action` on the thread it is delivered from, for notebooks and tests."""
    action()


class Requests:
    """Sends requests, drops stale answers, and knows what the engine is busy with."""

    busy_changed = Signal(str)
    """What the engine does now; empty when it rests."""
    progressed = Signal(str, float, str)
    """How far the request of a channel is, from 0 to 1, and with what."""

    def __init__(self, engine: Engine, deliver: Deliver) -> None:
        """Take the engine's client and the way to the thread of the panels."""
        self._engine, self._deliver = engine, deliver
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._running: dict[str, tuple[int, str]] = {}
        self._jobs: dict[str, Job] = {}
        self._busy = ""

    @property
    def busy(self) -> str:
        """What the engine does now; empty when it rests."""
        return self._busy

    def send(
        self,
        method: str,
        channel: str,
        then: Callable[[Any], None],
        failed: Callable[[FuseError], None],
        read: Callable[[Any], Any],
        args: dict[str, Any],
        background: bool = False,
    ) -> None:
        """Ask the engine; `read` turns the answer into what `then` takes, away from the thread of the panels.

        What is asked in the `background` is done when nothing else is asked for, and makes nobody busy.

        Raises:
            FuseError: when the engine cannot be asked.
        """
        number = next(self._numbers)
        key = channel or f"#{number}"

        def answered(reply: Reply) -> None:
            value, error = reply.value, reply.error
            if error is None and not reply.stale:
                value, error = _read(read, value)
            self._deliver(lambda: self._arrived(key, number, reply.stale, value, error, then, failed))

        with self._lock:
            self._running[key] = (number, "" if background else WORDS.get(method, method))
        try:
            job = self._engine.request(method, channel=channel, then=answered, background=background, **args)
        except FuseError:
            self._forget(key, number)
            raise
        job.progress.connect(lambda share, text: self._deliver(lambda: self._progressed(key, number, share, text)))
        if self._is_current(key, number):
            self._jobs[key] = job
        self._say()

    def cancel(self, channel: str) -> None:
        """Give up the request of that channel; its answer will be dropped."""
        job = self._jobs.pop(channel, None)
        with self._lock:
            self._running.pop(channel, None)
        if job is not None:
            job.cancel()
        self._say()

    def cancel_all(self) -> None:
        """Give up every request; no answer to them will arrive."""
        for channel in list(self._running):
            self.cancel(channel)

    def is_running(self, channel: str) -> bool:
        """Say whether an answer is awaited on that channel."""
        return channel in self._running

    def _arrived(
        self,
        key: str,
        number: int,
        stale: bool,
        value: Any,
        error: FuseError | None,
        then: Callable[[Any], None],
        failed: Callable[[FuseError], None],
    ) -> None:
        if not self._forget(key, number) or stale:
            return
        self._say()
        if error is not None:
            failed(error)
        else:
            then(value)

    def _is_current(self, key: str, number: int) -> bool:
        return self._running.get(key, (-1, ""))[0] == number

    def _forget(self, key: str, number: int) -> bool:
        with self._lock:
            if not self._is_current(key, number):
                return False
            del self._running[key]
        self._jobs.pop(key, None)
        return True

    def _progressed(self, key: str, number: int, share: float, text: str) -> None:
        with self._lock:
            current = self._is_current(key, number)
            if current and self._running[key][1]:
                self._running[key] = (number, f"{text} ({share:.0%})" if text else f"{share:.0%}")
        if current:
            self.progressed.emit(key, share, text)
            self._say()

    def _say(self) -> None:
        with self._lock:
            words = [text for _, text in self._running.values()]
        named = next(filter(None, words), "")
        busy = f"{named} …" if named else ""
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)


def _read(read: Callable[[Any], Any], value: Any) -> tuple[Any, FuseError | None]:
    try:
        return read(value), None
    except (LookupError, TypeError, ValueError) as error:
        return None, FuseError("the engine answered in an unknown form", got=f"{type(error).__name__}: {error}")
