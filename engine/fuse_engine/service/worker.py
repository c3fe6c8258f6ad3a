"""The engine worker: one warm process that reads, previews and infers for a window or a notebook.

The main thread does the work in order, what runs in the background last; a second thread listens, so that a cancel
is seen while work is done.
"""

from __future__ import annotations

import faulthandler
import math
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from fuse_engine.core import reading
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.service import arrays, methods, protocol
from fuse_engine.service.identity import identity
from fuse_engine.service.work import Cancelled, Work

READ_SECONDS = 60
"""Time for one file; a reader that hangs holds the interpreter, so only a signal can end it."""
_GRACE = 10.0
"""Seconds for the work at hand to end after the client is gone."""
_NICENESS = 5

Method = Callable[..., Any]


class Outlet:
    """The way to the client; whole lines, from any thread."""

    def __init__(self, handle: int) -> None:
        """Take the file descriptor of the private pipe."""
        self._handle, self._lock = handle, threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self.write(protocol.encode(message))

    def write(self, line: bytes) -> None:
        """Write one encoded message; a client that is gone is noticed by the listener."""
        rest = memoryview(line)
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._handle, rest) :]
            except BrokenPipeError:
                return


class Reader:
    """Tells the client which file is read, refuses the files that killed a reader, limits the time."""

    def __init__(self, outlet: Outlet, refused: dict[str, list[int]]) -> None:
        """Take the refused files with the modification time (ns) and size they had."""
        self._outlet, self._refused, self._process = outlet, refused, os.getpid()

    def __call__(self, path: Path | None) -> None:
        """Note that reading of `path` begins, or that it is over (None).

        Raises:
            SampleError: for a refused file that has not changed since.
        """
        # what a loader that was forked from the worker reads is not what the worker dies of
        told = os.getpid() == self._process
        if path is None:
            _alarm(0)
            if told:
                self._outlet.send({"reading": None})
            return
        name = os.path.abspath(path)
        if name in self._refused and self._refused[name] == identity(path):
            raise SampleError("this file ended its reader and is not read any more", got=name)
        if told:
            self._outlet.send({"reading": name})
        _alarm(READ_SECONDS)


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):  # absent on Windows, where a read has no time limit
        signal.alarm(seconds)


class Worker:
    """Carries out requests until the client is gone."""

    def __init__(self, outlet: Outlet, folder: Path, find: Callable[[str], Method]) -> None:
        """Take the way out, the folder for arrays, and what finds a method by its name."""
        self._outlet, self._folder, self._find = outlet, folder, find
        self._queue: queue.PriorityQueue[tuple[bool, float, Work | None]] = queue.PriorityQueue()
        self._open: dict[int, Work] = {}

    def listen(self, commands: IO[bytes]) -> None:
        """Accept requests and cancels until the client closes its end."""
        for line in commands:
            message = protocol.decode(line)
            if "cancel" in message:
                if work := self._open.get(message["cancel"]):
                    work.cancel()
                continue
            background = bool(message.get("background"))
            work = Work(message["id"], message["method"], message["args"], self._outlet.send, background)
            for other in () if background else list(self._open.values()):
                other.hurry()
            self._open[work.number] = work
            self._queue.put((background, work.number, work))
        for work in list(self._open.values()):
            work.cancel()
        self._queue.put((True, math.inf, None))
        threading.Timer(_GRACE, self._leave).start()

    def run(self) -> None:
        """Do the work in the order it came."""
        while (work := self._queue.get()[2]) is not None:
            work.hurry(False)  # what it had to make way for is done
            self._outlet.write(self._reply(work))
            self._open.pop(work.number, None)
        self._leave()

    def _leave(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        sys.stderr.flush()
        os._exit(0)  # library threads and atexit handlers may hang, and nothing is left to save

    def _reply(self, work: Work) -> bytes:
        try:
            work.check()
            self._outlet.send({"running": work.number})
            value = self._find(work.method)(work, **work.arguments)
            work.check()
            return self._encoded(work.number, value)
        except Cancelled:
            return protocol.encode({"id": work.number, "dropped": True})
        except FuseError as error:
            return protocol.encode({"id": work.number, "error": protocol.error_to_json(error)})
        except Exception as error:  # noqa: BLE001 the boundary of the process: the client says it, the log keeps it
            traceback.print_exc()
            problem = FuseError(f"{work.method} failed: {type(error).__name__}: {error}")
            return protocol.encode({"id": work.number, "error": protocol.error_to_json(problem)})

    def _encoded(self, number: int, value: Any) -> bytes:
        names: list[str] = []

        def put(array: NDArray[Any]) -> str:
            names.append(arrays.put(self._folder, array))
            return names[-1]

        try:
            return protocol.encode({"id": number, "value": protocol.pack(value, put)})
        except BaseException:  # whatever came between, nobody else would take these files away
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
            raise


def serve(find: Callable[[str], Method] = methods.find) -> None:
    """Be a worker: commands from standard input, replies on what was standard output."""
    faulthandler.enable()
    commands, outlet = _take_pipes()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the client's terminal is for the client
    hello = protocol.decode(commands.readline() or b"{}")
    if not hello:
        return
    reading.watch(Reader(outlet, hello["refused"]))
    worker = Worker(outlet, Path(hello["arrays"]), find)
    threading.Thread(target=worker.listen, args=(commands,), daemon=True).start()
    worker.run()


def _take_pipes() -> tuple[IO[bytes], Outlet]:
    """Keep the pipes for the protocol; what libraries print goes to the log that standard error is."""
    commands, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(commands, "rb"), Outlet(replies)


if __name__ == "__main__":
    serve()
