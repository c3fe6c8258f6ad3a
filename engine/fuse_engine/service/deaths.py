"""Which files killed the worker, how often, and when enough is enough."""

from __future__ import annotations

from fuse_engine.core.errors import Problem
from fuse_engine.service.identity import identity
from fuse_engine.service.job import Job
from fuse_engine.service.process import log_path

LIMIT = 3
"""Deaths of a reader on one file before it is refused, where nothing else is said."""


class Deaths:
    """Counts by file; a file that changes starts anew."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with none; a file is refused after `limit` deaths."""
        self._limit = limit
        self.reading: str | None = None
        """The file that is being read, if any."""
        self._counts: dict[str, int] = {}
        self._seen: dict[str, list[int]] = {}

    def count(self, reason: str, job: Job | None) -> Problem:
        """Note that the worker died, and say it."""
        path, self.reading = self.reading, None
        sample = str(job.arguments.get("id", "")) if job else ""
        doing = f" while doing '{job.method}'" if job else ""
        if path is None:
            return Problem(
                f"the engine worker ended{doing} ({reason})", sample=sample,
                expected=f"nothing of the kind; what it printed is in {log_path()}",
            )  # fmt: skip
        facts = identity(path)
        if self._seen.get(path) != facts:
            self._counts[path] = 0
        self._seen[path] = facts
        self._counts[path] += 1
        more = "; it is not read any more" if self._counts[path] >= self._limit else ""
        return Problem(
            f"reading {path} ended the engine worker ({reason}), {_times(self._counts[path])}{more}",
            sample=sample, expected="a readable file", got=path,
        )  # fmt: skip

    def refused(self) -> dict[str, list[int]]:
        """Return the files not to read again, with modification time (ns) and size."""
        return {path: self._seen[path] for path, count in self._counts.items() if count >= self._limit}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
