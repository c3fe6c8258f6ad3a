"""One worker process as the client sees it: lines in, lines out, and how it ended."""

from __future__ import annotations

import io
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from fuse_engine.core.files import cache_dir
from fuse_engine.run.child import PYTHON, import_path
from fuse_engine.service import protocol
from fuse_engine.service.arrays import ArrayFolder

WORKER = (*PYTHON, "-m", "fuse_engine.service.worker")
_LOG_LIMIT = 1_000_000
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
_GRACE = 3.0


def log_path() -> Path:
    """Return the file that holds what workers and their libraries print."""
    return cache_dir() / "worker.log"


def environment() -> dict[str, str]:
    """Return the environment of a worker; it leaves a core to the window where there are several."""
    threads = str(max(1, (os.cpu_count() or 2) - 1))
    added = os.pathsep.join(import_path())
    return {**dict.fromkeys(_THREADS, threads), **os.environ, "PYTHONPATH": added, "PYTHONUNBUFFERED": "1"}


class WorkerProcess:
    """A running worker; `message` and `ended` are called from its reader thread."""

    def __init__(
        self,
        command: Sequence[str],
        refused: dict[str, list[int]],
        message: Callable[[WorkerProcess, dict[str, Any]], None],
        ended: Callable[[WorkerProcess, str], None],
    ) -> None:
        """Start it with the files it must not read; `ended` gets the reason in words."""
        self.arrays = ArrayFolder()
        self._message, self._ended = message, ended
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        with _open_log() as log:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
                env=environment(), start_new_session=True,
            )  # fmt: skip
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._write)]
        for thread in self._threads:
            thread.start()
        self.send(protocol.encode({"arrays": self.arrays.path, "refused": refused}))

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Send an encoded message without waiting, even when the worker is busy and its pipe full."""
        self._lines.put(line)

    def close(self) -> None:
        """Let the worker end by itself, or kill it and what it started."""
        self._lines.put(None)
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_GRACE)

    def kill(self) -> None:
        """End the worker and its children at once."""
        if self._process.poll() is not None:
            return
        if os.name == "nt":
            self._process.kill()
        else:
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads its own session

    def _write(self) -> None:
        with _pipe(self._process.stdin) as pipe:
            try:
                while (line := self._lines.get()) is not None:
                    rest = memoryview(line)
                    while rest:
                        rest = rest[pipe.write(rest) :]
            except BrokenPipeError:  # the worker is gone; the reader says so
                return

    def _read(self) -> None:
        with io.BufferedReader(_pipe(self._process.stdout), 1 << 16) as pipe:
            for line in pipe:
                if line.endswith(b"\n"):  # else it died while it wrote
                    self._message(self, protocol.decode(line))
        code = self._process.wait()
        self._lines.put(None)
        self.arrays.remove()
        self._ended(self, reason(code))


def reason(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    if os.name != "nt" and -code == signal.SIGALRM:
        return "a read took longer than allowed"
    if -code == signal.SIGKILL:
        return "killed, perhaps for lack of memory"
    return signal.strsignal(-code) or f"signal {-code}"


def _pipe(pipe: IO[bytes] | None) -> io.FileIO:
    if not isinstance(pipe, io.FileIO):
        raise RuntimeError("the worker was started without pipes")
    return pipe


def _open_log() -> IO[bytes]:
    path = log_path()
    too_long = path.exists() and path.stat().st_size > _LOG_LIMIT
    return path.open("wb" if too_long else "ab")
