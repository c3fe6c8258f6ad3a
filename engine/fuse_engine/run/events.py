"""`events.jsonl`: what happened in a run, one line an event, only ever appended to.

A run that is continued goes back to its last checkpoint: it writes `{"kind": "resume", "step": n, "epoch": e}`,
and readers drop what was recorded before for steps from n and epochs from e on (`without_redone`).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
NUMBERS = {
    "batch": ("step",),
    "epoch": ("epoch",),
    "resume": ("step", "epoch"),
    "checkpoint": ("step",),
}
"""What events of a kind say with whole numbers; readers count on it."""
SYNC = 5.0
"""Seconds between two times that events are made safe against a power cut."""


class EventLog:
    """Appends events; a line is in the system's hands when `write` returns, and on disk within five seconds."""

    def __init__(self, path: Path) -> None:
        """Open the file; a line torn by a kill is closed, so that the next one stands alone."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._file).st_size
        torn = size > 0 and _last_byte(path) != b"\n"
        self._waiting = b"\n" if torn else b""
        self._synced = time.monotonic()

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event; numbers that are not finite are written as null."""
        event = {"time": round(time.time(), 3), "kind": kind, **fields}
        self._waiting += json.dumps(plain(event), separators=(",", ":")).encode() + b"\n"
        self._flush()
        if time.monotonic() - self._synced > SYNC:
            self.sync()

    def _flush(self) -> None:
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
        except OSError:
            return  # a full disk: the rest is kept and goes out with the next event

    def sync(self) -> None:
        """Make everything written so far durable."""
        with contextlib.suppress(
            OSError
        ):  # a full or failing disk must not end the run; the next time tries again
            os.fsync(self._file)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Make everything durable and close the file."""
        self._flush()
        self.sync()
        os.close(self._file)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def plain(value: Any) -> Any:
    """Return JSON data: mappings and sequences copied, numbers that are not finite as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def read_events(path: Path, since: int = 0) -> tuple[list[Event], int]:
    """Return the events from byte `since` on, and the byte to go on from; a torn last line waits for its rest."""
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(since)
        content = file.read()
    end = content.rfind(b"\n") + 1
    events = [event for line in content[:end].splitlines() if (event := _parse(line)) is not None]
    return (without_redone(events) if since == 0 else events), since + end


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None  # torn by a kill or by a cut of power, or not ours
    return event if isinstance(event, dict) and _is_whole(event) else None


def _is_whole(event: Event) -> bool:
    kind = event.get("kind")
    return isinstance(kind, str) and all(isinstance(event.get(name), int) for name in NUMBERS.get(kind, ()))


def without_redone(events: Iterable[Event]) -> list[Event]:
    """Return the events without those that a later `resume` made void."""
    kept: list[Event] = []
    for event in events:
        if event["kind"] == "resume":
            kept = [old for old in kept if not _void(old, event)]
        kept.append(event)
    return kept


def _void(event: Event, resume: Event) -> bool:
    if event["kind"] == "epoch":
        return bool(event["epoch"] >= resume["epoch"])
    if event["kind"] == "batch":
        return bool(event["step"] >= resume["step"])
    return event["kind"] == "checkpoint" and bool(event["step"] > resume["step"])
