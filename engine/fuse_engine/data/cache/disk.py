"""Samples in files, one an entry, named by their fingerprint.

An entry is written beside its place and then renamed, so a kill leaves it whole or not there, any number of
processes may fill one folder, and a map of an entry stays what it was when another process makes room.
"""

from __future__ import annotations

import logging
import os
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, PrivateAttr

from fuse_engine.core.files import atomic_write, cache_dir
from fuse_engine.core.registry import register
from fuse_engine.data.cache.base import Cache, array_of
from fuse_engine.data.cache.entry import Damage, Entry, read_entry
from fuse_engine.data.cache.folder import below, disk_bytes, journal_path, path_of, prune, remove, stored, sweep
from fuse_engine.data.cache.journal import Journal
from fuse_engine.data.cache.mapping import file_bytes, is_local
from fuse_engine.data.processor import Value

_log = logging.getLogger(__name__)
_MAPS = 16_384
"""Entries that a process has mapped at a time; Linux allows 65530 maps."""
_PAYS = 5.0
"""How many times longer than keeping a result its computation must take, so that it is kept between steps."""
_FILE_SECONDS, _BYTES_PER_SECOND = 5e-4, 5e8
"""What keeping and finding an entry costs: checksum, writing and reading, on a slow disk."""
_REST = 60.0
"""Seconds without writing after it failed: the disk is full, or not ours to write."""

_Version = tuple[int, int, int]


@dataclass
class _Seen:
    """What this process knows about a folder of entries; no part of what the cache is, so all are equal."""

    values: OrderedDict[str, Value] = field(default_factory=OrderedDict, compare=False)
    """Mapped entries by fingerprint."""
    verified: dict[str, _Version] = field(default_factory=dict, compare=False)
    """Inode, time and size that an entry had when its checksum was found right, by fingerprint."""
    local: bool | None = field(default=None, compare=False)
    total: int | None = field(default=None, compare=False)
    """Bytes in the folder when it was last measured, and what this process has added since."""
    added: int = field(default=0, compare=False)
    resting: float = field(default=0.0, compare=False)
    warned: bool = field(default=False, compare=False)

    def __reduce__(self) -> tuple[type[_Seen], tuple[()]]:
        """Go to another process empty."""
        return _Seen, ()


@register
class Disk(Cache):
    """Keeps processed samples in files; damaged ones are computed again, those used longest ago make room."""

    folder: Path | None = None
    """Folder of the files, relative to the experiment; the user's cache folder where empty."""
    limit_gb: float = Field(50.0, gt=0)
    """Most disk space to use, in GB."""
    _seen: _Seen = PrivateAttr(default_factory=_Seen)

    @property
    def place(self) -> Path:
        """The folder that is used."""
        return self.folder.expanduser() if self.folder else cache_dir() / "samples"

    def find(self, fingerprint: str) -> Value | None:
        """Return the value that is kept, or None; its checksum is compared once per process."""
        seen = self._seen
        value = seen.values.get(fingerprint)
        if value is None:
            return self._read(fingerprint)
        seen.values.move_to_end(fingerprint)
        return value

    def keep(self, fingerprint: str, value: Value) -> None:
        """Write a value; where that fails, say so once and go on without."""
        seen, entry = self._seen, Entry(value)
        if time.monotonic() < seen.resting:
            return
        try:
            if not self._make_room(entry.size):
                return self._warn(f"a sample of {entry.size / 1e9:.3g} GB is larger than the cache may be")
            path = path_of(self.place, fingerprint)
            # every entry is verified before another process uses it, so it need not survive a power cut
            below(path, lambda: atomic_write(path, entry.write, durable=False))
        except OSError as error:
            seen.resting = time.monotonic() + _REST
            return self._warn(f"processed samples could not be kept: {error}")
        with suppress(OSError):  # another process may have made room with it already
            status = path.stat()
            seen.verified[fingerprint] = _version(status)
            seen.added += disk_bytes(status)
        return None

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every entry by its fingerprint."""
        return {entry.path.name: entry.size for entry in stored(self.place)}

    def pays(self, value: Value, seconds: float, tuned: bool) -> bool:
        """Say whether a result between steps took far longer than keeping it; before a tuned one, longer."""
        return seconds > (1 if tuned else _PAYS) * (_FILE_SECONDS + array_of(value).nbytes / _BYTES_PER_SECOND)

    def within(self, folder: Path) -> Disk:
        """Return the cache with its folder taken from `folder`, where it is relative."""
        if self.folder is None or self.folder.expanduser().is_absolute():
            return self
        return self.model_copy(update={"folder": folder / self.folder})

    def journal(self, experiment: str, source: str, key: str) -> Journal:
        """Return the record of what the values of `key` were made of, for this source."""
        return Journal.of(lambda name: journal_path(self.place, name), experiment, source, key)

    def _read(self, fingerprint: str) -> Value | None:
        seen, path = self._seen, path_of(self.place, fingerprint)
        before = seen.verified.get(fingerprint)
        try:
            if before is None:
                _touch(path)
            status = path.stat()
            version = _version(status)
            content = file_bytes(path, status.st_size, self._local())
            value = read_entry(content, verify=before != version)
        except FileNotFoundError:
            return None
        except (OSError, *Damage) as error:
            _log.warning("the cached sample %s is damaged and is computed again: %s", fingerprint, error)
            remove(path)
            return None
        seen.verified[fingerprint] = version
        if self._local():
            seen.values[fingerprint] = value
            while len(seen.values) > _MAPS:
                seen.values.popitem(last=False)
        return value

    def _local(self) -> bool:
        if self._seen.local is None:
            self._seen.local = is_local(self.place)
        return self._seen.local

    def _make_room(self, size: int) -> bool:
        """See that `size` more bytes fit into the limit; false where they never can.

        Other processes write too, so the folder is measured anew long before this one alone could fill it.
        """
        seen, limit = self._seen, self.limit_gb * 1e9
        block = -(-size // 4096) * 4096
        if block > limit:
            return False
        if seen.total is None or seen.added > limit / 20 or seen.total + seen.added + block > limit:
            sweep(self.place)
            entries = stored(self.place)
            total = sum(entry.size for entry in entries)
            gone = prune(entries, 0.9 * limit - block) if total + block > limit else []
            seen.total, seen.added = total - sum(entry.size for entry in gone), 0
        return True

    def _warn(self, text: str) -> None:
        if not self._seen.warned:
            self._seen.warned = True
            _log.warning("%s", text)


def _touch(path: Path) -> None:
    """Note that an entry is used; in a folder that is not ours to write, nobody makes room either."""
    with suppress(PermissionError, OSError):
        os.utime(path)


def _version(status: os.stat_result) -> _Version:
    return status.st_ino, status.st_mtime_ns, status.st_size
