"""Tells the outside what a run does: events, status, checkpoints."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fuse_engine.models.checkpoint import State
from fuse_engine.run import checkpoint
from fuse_engine.run.callbacks import BatchReport
from fuse_engine.run.checkpoint import NoSpace
from fuse_engine.run.control import Control
from fuse_engine.run.events import EventLog
from fuse_engine.run.failed import list_failed
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.loading import Bad
from fuse_engine.run.lock import Lock
from fuse_engine.run.sample_losses import Each
from fuse_engine.run.status import StatusFile

PAUSE = 1.0
"""Seconds between two looks for free space."""


def tell(text: str) -> None:
    """Print for the run's log.txt; that it cannot be written, e.g. to a full disk, does not end the run."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


@dataclass(frozen=True)
class Reporter:
    """The only writer of a run's events and checkpoints."""

    folder: RunFolder
    log: EventLog
    status: StatusFile
    control: Control
    lock: Lock

    def in_loader(self) -> None:
        """Let go, in a forked loader, of what keeps the run folder locked."""
        self.lock.close()

    def state(self, state: str, message: str = "") -> None:
        """Tell that the run is starting, running, or ended."""
        text = self._without_folder(message)
        self.status.set(state=state, message=text)
        self.log.write("state", state=state, message=text)

    def warn(self, message: str, sample: str = "") -> None:
        """Tell a person something that does not end the run."""
        text = self._without_folder(message)
        self.log.write("warning", message=text, sample=sample)
        tell(f"warning: {text}")

    def _without_folder(self, message: str) -> str:
        """Return a message whose paths start from the experiment: where that lies may name a person."""
        return message.replace(f"{self.folder.experiment_folder()}{os.sep}", "")

    def bad(self, bad: Bad) -> None:
        """Tell of a sample that cannot be used, and list it."""
        self.warn(f"passed over: {bad.message}", bad.id)
        with contextlib.suppress(OSError):  # a full disk; the event and the log say it too
            list_failed(self.folder.failed, bad.id, bad.step, self._without_folder(bad.message))

    def batch(
        self, report: BatchReport, stage: int, epochs: int, steps: int, lr: float, ids: Sequence[str],
        each: Each | None,
    ) -> None:  # fmt: skip
        """Tell of one step; `each` are the losses of its samples, where they were computed."""
        self.log.write(
            "batch", stage=stage, epoch=report.epoch, step=report.step, steps=steps, losses=dict(report.losses),
            lr=lr, ids=list(ids), seconds=round(report.seconds, 5), **({} if each is None else {"each": each}),
        )  # fmt: skip
        self.status.progress(stage=stage, epoch=report.epoch, epochs=epochs, step=report.step + 1, steps=steps)

    def epoch(self, epoch: int, step: int, report: Mapping[str, Any], best: bool) -> None:
        """Tell of one epoch."""
        self.log.write("epoch", epoch=epoch, step=step, **report, best=best)

    def save(self, kind: str, step: int, state: State) -> None:
        """Write a checkpoint; a full disk pauses the run."""

        def write() -> None:
            path = checkpoint.save(self.folder, kind, step, state)
            self.log.write("checkpoint", step=step, name=path.name, what=kind)
            self.log.sync()

        self.with_room(write)

    def with_room(self, write: Callable[[], None]) -> None:
        """Write; a full disk pauses the run until there is room or its end is asked for (rule S3)."""
        while True:
            try:
                write()
            except NoSpace as error:
                if not self._wait(error):
                    return
            else:
                if self.status.status.message:
                    self.status.set(message="")
                return

    def _wait(self, error: NoSpace) -> bool:
        text = f"waiting for free space: {error}"
        if self.status.status.message != text:
            self.warn(text)
            self.status.set(message=text)
        if self.control.wanted():
            self.warn("ended without saving this: the disk is full")
            return False
        time.sleep(PAUSE)
        return True
