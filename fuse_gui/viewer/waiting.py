"""Waiting that keeps the window alive: Qt's events go on until something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from fuse_engine.core.errors import FuseError
from fuse_engine.service.client import Engine

TICK = 20
"""Milliseconds between two looks."""
READ_SECONDS = 120.0
"""Longest time for an answer of the engine, its start included."""


def wait_until(done: Callable[[], bool], seconds: float, what: str, input_too: bool = True) -> None:
    """Process Qt's events until `done`; without `input_too` clicks and keys wait, so nothing is entered twice.

    Raises:
        FuseError: when `what` did not come in time.
    """
    deadline = time.monotonic() + seconds
    flags = QEventLoop.AllEvents if input_too else QEventLoop.ExcludeUserInputEvents
    timer = QTimer()
    timer.start(TICK)
    try:
        while not done():
            if time.monotonic() > deadline:
                raise FuseError(f"{what}: not within {seconds:g} seconds")
            QApplication.processEvents(flags | QEventLoop.WaitForMoreEvents)
    finally:
        timer.stop()


def ask(engine: Engine, method: str, **arguments: Any) -> Any:
    """Return the engine's answer; the window is drawn meanwhile.

    Raises:
        FuseError: the engine's own, or when it takes too long.
    """
    replies: list[Any] = []
    job = engine.request(method, then=replies.append, **arguments)
    try:
        wait_until(lambda: bool(replies), READ_SECONDS, f"the engine's answer to '{method}'", input_too=False)
    except FuseError:
        job.cancel()
        raise
    if replies[0].error is not None:
        raise replies[0].error
    return replies[0].value
