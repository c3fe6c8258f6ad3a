"""What a run is doing: written by the run alone every two seconds, judged by readers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from fuse_engine.core.files import read_json, write_json

STATES = ("queued", "starting", "running", "finished", "stopped", "failed", "cancelled", "lost")
"""`stopped`, `failed`, `cancelled` and `lost` runs can be continued."""
ALIVE = ("starting", "running")
HEARTBEAT = 2.0
"""Seconds between two writings of the status."""
SILENCE = 15.0
"""Seconds without a heartbeat after which a run on another machine counts as lost."""


@dataclass(frozen=True)
class Status:
    """Where a run stands; times are seconds since 1970."""

    state: str = "queued"
    stage: int = 0
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    """Steps done."""
    steps: int = 0
    message: str = ""
    started: float = 0.0
    updated: float = 0.0
    pid: int = 0
    created: float = 0.0
    """When the process was created; with `pid` it names one process for ever."""
    machine: str = ""
    """Names this start of this machine, not its host name."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Status:
        """Return the status in plain data; fields of other versions are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def machine() -> str:
    """Return a text that is the same until this machine starts again, and holds no host name."""
    path = Path("/proc/sys/kernel/random/boot_id")
    text = path.read_text() if path.exists() else str(psutil.boot_time())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def alive(pid: int, created: float) -> bool:
    """Say whether exactly this process is still there; a dead one that nobody waited for is not."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.AccessDenied:
        return True


def judge(written: Status | None, submitted: dict[str, Any] | None, cancel: bool) -> Status:
    """Return the true status from what the run wrote, who submitted it, and whether its end was asked for."""
    status = written or Status()
    submit = submitted or {}
    if "pid" in submit and submit["time"] > status.updated:
        child = submit["pid"], submit["created"]
        state = "starting" if _there(submit["machine"], *child, submit["time"]) else "lost"
        status = replace(status, state=state, pid=child[0], created=child[1])
    elif status.state in ALIVE and not _there(status.machine, status.pid, status.created, status.updated):
        status = replace(status, state="lost")
    if status.state != "lost":
        return status
    if cancel:
        return replace(status, state="cancelled", message="ended from outside; it can be continued")
    return replace(status, message="its process is gone; log.txt may say why; it can be continued")


def _there(where: str, pid: int, created: float, updated: float) -> bool:
    if where == machine():
        return alive(pid, created)
    return time.time() - updated < SILENCE


class StatusFile:
    """Keeps `status.json` fresh from a thread of its own while the `with` block lasts."""

    def __init__(self, path: Path) -> None:
        """Take the file; `set` writes at once, `progress` waits for the next heartbeat."""
        own = psutil.Process(os.getpid())
        self.path = path
        self.status = Status(
            "starting", started=time.time(), pid=own.pid, created=own.create_time(), machine=machine()
        )
        self._guard, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> StatusFile:
        """Write the first status and start the heartbeat."""
        self.set()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the heartbeat and write the last status."""
        self._end.set()
        self._thread.join()
        self.set()

    def progress(self, **changes: Any) -> None:
        """Change fields; the file follows within two seconds."""
        self.status = replace(self.status, **changes)

    def set(self, **changes: Any) -> None:
        """Change fields and write the file; a full disk is tried again at the next heartbeat."""
        if changes:  # the heartbeat changes nothing, so it cannot undo what the run changes meanwhile
            self.status = replace(self.status, **changes)
        # a full disk must not end the run; the next heartbeat tries again
        with self._guard, contextlib.suppress(OSError):
            write_json(self.path, {**asdict(self.status), "updated": time.time()})

    def _beat(self) -> None:
        while not self._end.wait(HEARTBEAT):
            self.set()


def read_status(folder: Path) -> Status:
    """Return the status of the run in `folder`."""
    written = _json(folder / "status.json")
    return judge(
        Status.from_json(written) if written else None,
        _json(folder / "submit.json"),
        (folder / "control" / "cancel").exists(),
    )


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = read_json(path)
    except FileNotFoundError:
        return None
    return value if isinstance(value, dict) else None
