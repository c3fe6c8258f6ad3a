"""The engine as a window or notebook sees it: requests out, replies in, never a wait, never torch."""

from __future__ import annotations

import atexit
import itertools
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.errors import FuseError
from fuse_engine.service import protocol, store
from fuse_engine.service.deaths import LIMIT, Deaths
from fuse_engine.service.job import Job, Reply
from fuse_engine.service.process import WORKER, WorkerProcess


class Engine:
    """Sends requests to one warm worker process; starts it when first needed, and again when a file killed it."""

    restarted = Signal(str)
    """The worker died, and why, naming the file it was reading; the next request starts a new one."""

    def __init__(self, command: Sequence[str] = WORKER, deaths: int = LIMIT) -> None:
        """Start nothing yet; a file is refused after so many `deaths` of its reader."""
        self._command = tuple(command)
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._channels: dict[str, Job] = {}
        self._worker: WorkerProcess | None = None
        self._worker_key = ""
        self._deaths = Deaths(deaths)
        self._running: Job | None = None
        self._closed = False
        self._deliveries: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._deliverer: threading.Thread | None = None

    def request(
        self,
        method: str,
        *,
        channel: str = "",
        then: Callable[[Reply], None] | None = None,
        background: bool = False,
        **arguments: Any,
    ) -> Job:
        """Ask the worker; a newer request on the same non-empty channel makes this one stale.

        `then` is called once, from a thread of the engine. What is asked in the `background` is done when nothing
        else is asked for.

        Raises:
            FuseError: when the engine is closed.
            TypeError: for an argument that is not plain data.
        """
        with self._lock:
            if self._closed:
                raise FuseError("the engine is closed")
            job = Job(next(self._numbers), method, channel, arguments, then, self._drop)
            line = protocol.encode({"id": job.id, "method": method, "args": arguments, "background": background})
            worker = self._ready()
            self._jobs[job.id] = job
            older = self._channels.get(channel)
            if channel:
                self._channels[channel] = job
            if older is not None:
                self._drop(older, "overtaken by a newer request")
            worker.send(line)
        return job

    def catalog(self) -> Catalog:
        """Return every component there is; from disk unless a package, plugin or component file changed.

        Raises:
            FuseError: when the worker cannot make it.
        """
        key = store.catalog_key()
        if (kept := store.read_catalog(key)) is not None:
            return kept
        with self._lock:
            outdated = self._worker if self._worker is not None and self._worker_key != key else None
        if outdated is not None:
            self._replace(outdated)
        catalog = Catalog.model_validate(self.request("catalog").result())
        if not catalog.broken:  # a missing library may be installed without any of our files changing
            store.write_catalog(key, catalog)
        return catalog

    @property
    def pid(self) -> int | None:
        """Process id of the worker, while there is one."""
        worker = self._worker
        return worker.pid if worker else None

    def close(self) -> None:
        """End the worker and every job; nothing can be asked afterwards."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            worker, self._worker = self._worker, None
        atexit.unregister(self.close)
        self._fail_all(lambda job: FuseError("the engine was closed"))
        if worker is not None:
            worker.close()
        self._deliveries.put(None)
        if self._deliverer is not None and self._deliverer is not threading.current_thread():
            self._deliverer.join(5)

    def _ready(self) -> WorkerProcess:
        """Return the running worker; started with the lock held, so that there is only one."""
        if self._worker is not None:
            return self._worker
        if self._deliverer is None:
            atexit.register(self.close)
            self._deliverer = threading.Thread(target=self._deliver, daemon=True)
            self._deliverer.start()
        self._worker_key = store.catalog_key()
        self._running, self._deaths.reading = None, None
        self._worker = WorkerProcess(self._command, self._deaths.refused(), self._receive, self._ended)
        return self._worker

    def _replace(self, worker: WorkerProcess) -> None:
        with self._lock:
            if self._worker is worker:
                self._worker = None
        self._fail_all(lambda job: FuseError("the components changed while this was computed; ask again"))
        worker.close()

    def _receive(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if worker is self._worker:
            self._note(message)
        if "id" not in message:
            return
        job = self._jobs.get(message["id"])
        if job is None:
            for name in protocol.array_names(message.get("value")):
                worker.arrays.discard(name)
        elif "progress" in message:
            self._deliveries.put(lambda: _report(job, message["progress"], message["text"]))
        else:
            self._settle(_reply(worker, job, message))

    def _note(self, message: dict[str, Any]) -> None:
        """Keep in mind what the worker does, in case it dies of it; it does one thing at a time."""
        if "reading" in message:
            self._deaths.reading = message["reading"]
        elif "running" in message:
            self._running = self._jobs.get(message["running"])
        elif "progress" not in message:
            self._running = None

    def _drop(self, job: Job, why: str) -> None:
        if self._settle(Reply(job, error=FuseError(f"'{job.method}' was {why}"), stale=True)):
            with self._lock:
                if self._worker is not None:
                    self._worker.send(protocol.encode({"cancel": job.id}))

    def _settle(self, reply: Reply) -> bool:
        job = reply.job
        with self._lock:
            self._jobs.pop(job.id, None)
            if self._channels.get(job.channel) is job:
                del self._channels[job.channel]
        if not job.settle(reply):
            return False
        then = job.then
        if then is not None:
            self._deliveries.put(lambda: then(reply))
        return True

    def _fail_all(self, error: Callable[[Job], FuseError]) -> None:
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            self._settle(Reply(job, error=error(job)))

    def _ended(self, worker: WorkerProcess, reason: str) -> None:
        with self._lock:
            if self._worker is not worker:
                return
            problem = self._deaths.count(reason, self._running)
            self._worker = None
        self._fail_all(lambda job: FuseError(problem))
        self._deliveries.put(lambda: self.restarted.emit(str(problem)))

    def _deliver(self) -> None:
        while (action := self._deliveries.get()) is not None:
            try:
                action()
            except Exception:  # noqa: BLE001 the boundary: a caller's mistake is reported, the other replies arrive
                error_type, error, trace = sys.exc_info()
                if error_type is not None:
                    threading.excepthook(
                        threading.ExceptHookArgs((error_type, error, trace, threading.current_thread()))
                    )


def _report(job: Job, fraction: float, text: str) -> None:
    if not job.done:
        job.progress.emit(fraction, text)


def _reply(worker: WorkerProcess, job: Job, message: dict[str, Any]) -> Reply:
    if "error" in message:
        return Reply(job, error=protocol.error_from_json(message["error"]))
    if "dropped" in message:
        return Reply(job, error=FuseError(f"'{job.method}' was cancelled"), stale=True)
    try:
        return Reply(job, protocol.unpack(message["value"], worker.arrays.take))
    except (OSError, ValueError) as error:
        return Reply(job, error=FuseError(f"the reply to '{job.method}' was lost: {error}"))
