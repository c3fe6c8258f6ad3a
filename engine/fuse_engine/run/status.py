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
SIZE = 1_000_000
"""Bytes of a status or submission that are read; ours are a thousand times smaller."""
SILENCE = 15.0
"""Seconds without a heartbeat after which a run on another machine counts as lost."""


LARGEST = 2**40
"""Above every process id, step and second since 1970."""


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
        """Return the status in plain data; `lost` where it does not say, without fields that do not fit."""
        fit = {item.name: data[item.name] for item in fields(cls) if _fits(data.get(item.name), item.default)}
        return cls(**{**fit, "state": data["state"] if data.get("state") in STATES else "lost"})


def _fits(value: Any, default: Any) -> bool:
    """Say whether a value from a file is of a field's type, and a number that a clock or a counter may show."""
    if isinstance(default, str):
        return isinstance(value, str)
    kinds = (int, float) if isinstance(default, float) else (int,)
    return isinstance(value, kinds) and abs(value) < LARGEST


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
        child = submit["machine"], submit["pid"], submit["created"]
        state = "starting" if _there(*child, submit["time"]) else "lost"
        status = replace(status, state=state, machine=child[0], pid=child[1], created=child[2])
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
        self.status = replace(
            written_status(path) or Status(), state="starting", message="", started=time.time(), pid=own.pid,
            created=own.create_time(), machine=machine(),
        )  # fmt: skip
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
    written, submit = written_status(folder / "status.json"), small_json(folder / "submit.json")
    if written is None and submit is None:
        return Status("lost", message="its folder is gone")
    return judge(written, submit if submit and _names_process(submit) else None, _cancel_asked(folder))


def written_status(path: Path) -> Status | None:
    """Return what the run itself wrote last, `lost` where that cannot be read; None before it wrote anything."""
    return Status.from_json(small_json(path) or {}) if path.exists() else None


def _cancel_asked(folder: Path) -> bool:
    return (folder / "control" / "cancel").exists()


def _names_process(submit: dict[str, Any]) -> bool:
    like = {"machine": "", "pid": 0, "created": 0.0, "time": 0.0}
    return all(_fits(submit.get(name), default) for name, default in like.items())


def small_json(path: Path) -> dict[str, Any] | None:
    """Return what is in a small file of the run folder; None where that is not what a run writes."""
    try:
        value = read_json(path) if path.is_file() and path.stat().st_size < SIZE else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
