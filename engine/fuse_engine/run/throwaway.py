"""A process that tries an experiment out, whose death hurts nobody."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from typing import Any

from fuse_engine.core.errors import Problem, RunError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.child import PYTHON
from fuse_engine.run.executors import environment

FORGOTTEN = 20.0
"""Seconds after which a try that nobody asks about any more is ended."""
OUT_OF_MEMORY = {
    -int(getattr(signal, "SIGKILL", 9)): "the system killed it", -int(signal.SIGABRT): "it gave up",
    -int(signal.SIGSEGV): "it crashed", -int(getattr(signal, "SIGBUS", 7)): "it crashed",
}  # fmt: skip
"""How a process ends that gets no more memory: libraries seldom look at what they get."""


class Throwaway:
    """One try under way; `poll` says how far it is."""

    def __init__(self, experiment: Experiment, tried: dict[str, Any] | None = None) -> None:
        """Start the process; `tried` is a size that did not fit."""
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._asked, self._over, self._ending = time.monotonic(), False, threading.Lock()
        self.trying = tried
        self._process = subprocess.Popen(
            [*PYTHON, "-m", "fuse_engine.run.tryout"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True, env=environment(experiment.run.threads),
        )  # fmt: skip
        request = {"experiment": experiment.to_yaml(), "folder": str(experiment.folder.absolute()), "tried": tried}
        self._request = json.dumps(request).encode() + b"\n"
        for work in (self._read, self._watch):
            threading.Thread(target=work, daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def poll(self, seconds: float) -> dict[str, Any] | None:
        """Wait up to so many seconds for the next message: `progress` and `text`, `trying`, or the `report`.

        Raises:
            RunError: what keeps the experiment from being trained, or how the process ended.
        """
        self._asked = time.monotonic()
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is None:
            return self._ended()
        message: dict[str, Any] = json.loads(line)
        if "problems" in message:
            raise RunError(*(Problem(**item) for item in message["problems"]))
        self.trying = message.get("trying", self.trying)
        return message

    def _ended(self) -> dict[str, Any]:
        code = self._process.wait()
        if code in OUT_OF_MEMORY and self.trying is not None:
            return {"killed": self.trying, "how": OUT_OF_MEMORY[code]}
        raise RunError("the process that tried a step ended", got=f"exit code {code}")

    def end(self) -> None:
        """Kill the process and all that it started, and wait for it."""
        with self._ending:
            if self._over:
                return
            self._over = True
            if os.name == "nt":
                self._process.kill()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)  # it leads its own session
            self._process.wait()

    def _read(self) -> None:
        commands, replies = self._process.stdin, self._process.stdout
        if commands is None or replies is None:
            raise RuntimeError("the process was started without pipes")
        # the way in stays open for as long as the try lasts: the process ends itself when this one is gone
        with commands, replies, contextlib.suppress(BrokenPipeError):
            with contextlib.suppress(BrokenPipeError):
                commands.write(self._request)
                commands.flush()
            for line in replies:
                self._lines.put(line)
        self._lines.put(None)

    def _watch(self) -> None:
        while self._process.poll() is None and time.monotonic() - self._asked < FORGOTTEN:
            time.sleep(0.2)
        self.end()  # where it ended by itself, its loaders may still be there
