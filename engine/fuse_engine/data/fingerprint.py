"""What a processed value depends on: the steps, their code, and the cells and files of a row."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fuse_engine.core.component import Component
from fuse_engine.data.code import code_of

START = hashlib.sha256(b"fuse pipeline 2").hexdigest()
"""Fingerprint of no steps; another version of what a fingerprint is made of makes all values anew."""

Identity = str | list[Any]
"""A cell's text; or path, size, times and inode of a file, and for a folder those of the files in it."""

Inputs = tuple[dict[str, Identity], ...]
"""What each step of a pipeline reads of one row, by name."""


@dataclass(frozen=True)
class StepPart:
    """What a step adds to a fingerprint, whatever the row."""

    name: str
    args: dict[str, Any]
    """Every argument, as plain data."""
    code: str
    libraries: dict[str, str]

    @classmethod
    def of(cls, step: Component, others: Iterable[object]) -> StepPart:
        """Describe a step; `others` are functions and classes that it uses besides its own module."""
        code = code_of((type(step), *others))
        return cls(step.name(), step.model_dump(mode="json"), code.digest, code.libraries)

    @cached_property
    def digest(self) -> str:
        """Changes with any of the parts."""
        return digest([self.name, self.args, self.code, self.libraries])


def digest(value: Any) -> str:
    """Return 64 digits that change with plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def chain(parts: Iterable[StepPart], inputs: Inputs) -> tuple[str, ...]:
    """Return the fingerprint of the value after each step: it changes with that step and those before it."""
    found, last = list[str](), START
    for part, read in zip(parts, inputs, strict=True):
        last = digest([last, part.digest, read])
        found.append(last)
    return tuple(found)


def of_files(inputs: Inputs) -> bool:
    """Say whether any of what is read is a file."""
    return any(not isinstance(item, str) for read in inputs for item in read.values())


def identities(reads: Mapping[str, str | Path]) -> dict[str, Identity]:
    """Return what identifies each cell and file.

    Raises:
        OSError: for a file that cannot be looked at.
    """
    return {name: item if isinstance(item, str) else identity(item) for name, item in reads.items()}


def identity(path: Path) -> list[Any]:
    """Return what changes when a file does, or the files of a folder, without reading them.

    Raises:
        OSError: when it cannot be looked at.
    """
    status = path.stat()
    found = [os.path.abspath(path), *_facts(status)]
    if path.is_dir():
        with os.scandir(path) as entries:
            found.append(sorted([entry.name, *_facts(entry.stat())] for entry in entries if entry.is_file()))
    return found


def unchanged(inputs: Inputs) -> bool:
    """Say whether every file that was read is still what it was."""
    try:
        return all(
            isinstance(item, str) or identity(Path(item[0])) == item for read in inputs for item in read.values()
        )
    except OSError:
        return False


def _facts(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
