"""What every panel does through the project: ask the engine, do things aside, and say what went wrong."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from psygnal import Signal

from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.service.client import Engine
from fuse_gui.models.problems import Problems, cause, problems_in
from fuse_gui.models.requests import Deliver, Requests

T = TypeVar("T")

STANDING = ("experiment", "table", "catalog")
"""Problems that stay until their cause goes."""


class Desk:
    """Requests that cannot block, and errors that cannot escape: nothing raises into a toolkit."""

    problems_changed = Signal()
    message_changed = Signal(str)
    closed = Signal()

    def __init__(self, engine: Engine, deliver: Deliver) -> None:
        """Take the engine's client and the way to the thread of the panels."""
        self.engine = engine
        self._deliver, self._is_closed = deliver, False
        self.requests = Requests(engine, self.deliver)
        self.message = ""
        self._numbers, self._newest = itertools.count(), dict[str, int]()
        self._problems = Problems()
        self._problems.changed.connect(self.problems_changed.emit)

    def deliver(self, action: Callable[[], None]) -> None:
        """Run `action` on the thread of the panels; what arrives after the end is dropped."""

        def run() -> None:
            if not self._is_closed:
                action()

        self._deliver(run)

    def close(self) -> None:
        """Stop waiting for anything; the engine belongs to whoever made it."""
        self._is_closed = True
        self.closed.emit()

    @property
    def subject(self) -> Mapping[str, Any]:
        """What the engine is asked about where a question does not say: nothing."""
        return {}

    def ask(
        self,
        method: str,
        channel: str,
        then: Callable[[Any], None],
        *,
        failed: Callable[[FuseError], None] | None = None,
        read: Callable[[Any], Any] = lambda value: value,
        background: bool = False,
        about: Mapping[str, Any] | None = None,
        **args: Any,
    ) -> None:
        """Ask the engine; `then` gets the answer on the thread of the panels.

        The question is about `subject`, or `about` something else. The newest request of a channel wins. An error
        becomes a problem of the channel, and goes to `failed`; the next good answer of the channel takes it away.
        `read` turns the answer into what `then` takes, before it comes to that thread. What is asked in the
        `background` waits for everything else, and its errors go to `failed` alone.
        """
        topic = channel or method

        def refused(error: FuseError) -> None:
            if not background:
                self.fail(error, topic=topic)
            if failed is not None:
                failed(error)

        def arrived(value: Any) -> None:
            if not background:
                self.clear(topic)
                self.clear("engine")
            try:
                then(value)
            except Exception as error:  # noqa: BLE001 the boundary: an answer that no panel understands is shown
                refused(FuseError(f"the answer to '{method}' could not be shown", got=cause(error)))

        try:
            asked = {**(self.subject if about is None else about), **args}
            self.requests.send(method, channel, arrived, refused, read, asked, background)
        except FuseError as error:
            refused(error)

    def aside(
        self,
        action: Callable[[], T],
        then: Callable[[T], None],
        *,
        topic: str,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Do what waits for a disk or a process on a thread of its own; `then` gets the result.

        The newest of a topic wins; what an older one finds is dropped.
        """
        number = self._newest[topic] = next(self._numbers)

        def finish(result: list[T], error: Exception | None) -> None:
            if self._newest[topic] != number:
                return
            if error is not None:
                self.fail(error, topic=topic)
                failed()
            for value in result:
                self.clear(topic)
                then(value)

        def work() -> None:
            result, problem = list[T](), None
            try:
                result.append(action())
            except (FuseError, OSError, ValueError) as error:
                problem = error
            self.deliver(lambda: finish(result, problem))

        threading.Thread(target=work, name=topic, daemon=True).start()

    @property
    def busy(self) -> str:
        """What the engine does now; empty when it rests."""
        return self.requests.busy

    # -- problems and messages ------------------------------------------------------------------------------------

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong now, the last action's first."""
        return self._problems.every

    def fail(self, error: Exception | str, place: str = "", topic: str = "action") -> None:
        """Show what went wrong; `place` is the field, where the error names none."""
        self._problems.put(topic, problems_in(error, place))

    def clear(self, topic: str = "action") -> None:
        """Forget the problems of an action, a channel or a part."""
        self._problems.put(topic, ())

    def dismiss(self) -> None:
        """Forget the problems of past actions; those of the experiment and its table stay."""
        self._problems.clear(kept=STANDING)

    @contextmanager
    def reporting(self, topic: str = "action", place: str = "") -> Iterator[None]:
        """Forget the problems of `topic`, and turn an error of the block into a new one."""
        self.clear(topic)
        try:
            yield
        except (FuseError, OSError) as error:
            self.fail(error, place, topic)

    def say(self, message: str) -> None:
        """Show a message of one line."""
        self.message = message
        self.message_changed.emit(message)
