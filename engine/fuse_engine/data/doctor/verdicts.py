"""What was seen of files before, on disk, so that a second look costs a stat."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from fuse_engine.core.files import cache_dir
from fuse_engine.data.code import code_of
from fuse_engine.data.doctor.look import Look, look

_log = logging.getLogger(__name__)
_LIMIT = 500_000
"""Looks that are kept, about 0.5 kB each."""
_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""


class Verdicts:
    """Looks by the fingerprint of the steps that read the file: its name, size, times and inode, and all code.

    A context: what is new is written when it is left. Keys are digests, so no name of a file or sample is one.
    Where the disk does not play along, everything works without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Take the file; by default in the user's cache folder."""
        self._path = path or cache_dir() / "doctor.sqlite"
        self._new: dict[str, str] = {}
        self._base: sqlite3.Connection | None = None
        self._code = code_of((look,)).digest[:16]

    def __enter__(self) -> Verdicts:
        """Open what is kept."""
        try:
            self._base = sqlite3.connect(self._path, timeout=_PATIENCE)
            self._base.execute("CREATE TABLE IF NOT EXISTS looks (fingerprint TEXT PRIMARY KEY, look TEXT)")
        except sqlite3.Error as error:
            self._give_up(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is new."""
        rows, self._new = list(self._new.items()), {}
        if self._base is None:
            return
        try:
            with self._base as base:
                base.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?)", rows)
                base.execute("DELETE FROM looks WHERE rowid <= (SELECT max(rowid) FROM looks) - ?", (_LIMIT,))
        except sqlite3.Error as failed:
            self._give_up(failed)
        else:
            self._base.close()
            self._base = None

    def get(self, fingerprint: str, make: Callable[[], Look]) -> Look:
        """Return a look that is kept, or make one."""
        fingerprint = f"{fingerprint}-{self._code}"
        text = self._new.get(fingerprint) or self._kept(fingerprint)
        if text is not None:
            try:
                return Look.from_text(text)
            except (ValueError, KeyError, TypeError):
                _log.warning("a kept look in %s is damaged and made anew", self._path)
        found = make()
        if not found.passing:
            self._new[fingerprint] = found.to_text()
        return found

    def _kept(self, fingerprint: str) -> str | None:
        if self._base is None:
            return None
        try:
            found = self._base.execute("SELECT look FROM looks WHERE fingerprint = ?", (fingerprint,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return str(found[0]) if found else None

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without; a file that is damaged makes way for a new one."""
        _log.warning("looks at files are not kept in %s: %s", self._path, error)
        if self._base is not None:
            self._base.close()
            self._base = None
        if not isinstance(error, sqlite3.OperationalError):  # that is a lock, a full or a read-only disk
            self._path.unlink(missing_ok=True)
