"""What the kept values of one key were made of, sample by sample, so that a change can be said in words.

One file for each source and key, one line of JSON for each value that was computed. Of cells, files and ids it
holds digests only; of the steps their arguments, as they stand in the experiment. Lines are only ever added, each
in one write, so any number of processes may do so at once; what is no whole line is passed over.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fuse_engine.core.files import atomic_write
from fuse_engine.data.cache.folder import below
from fuse_engine.data.fingerprint import Identity, Inputs, StepPart, digest

_WASTE = 4
"""Lines for each sample above which the file is written anew with the newest ones only."""


@dataclass(frozen=True)
class Made:
    """What one value was made of."""

    recipe: str
    """Digest of the steps."""
    inputs: dict[str, str]
    """Digest of each cell and file that was read: `cell box`, `file of image`."""
    entries: tuple[str, ...]
    """Fingerprints it is kept under: those of results between steps, and its own."""


@dataclass(frozen=True)
class Record:
    """All that is known of a source and key."""

    experiment: str
    key: str
    recipes: dict[str, tuple[StepPart, ...]]
    latest: dict[str, Made]
    """The newest value of each sample, by the digest of its id."""


class Journal:
    """The record of one source and key."""

    def __init__(self, path: Path, experiment: str, key: str) -> None:
        """Take the file, and what it is about."""
        self.path, self._experiment, self._key = path, experiment, key
        self._told: set[str] = set()
        self._changed: dict[str, int] = {}

    @classmethod
    def of(cls, place: Callable[[str], Path], experiment: str, source: str, key: str) -> Journal:
        """Return the record of a source and key; `place` says where a file of that name lies."""
        return cls(place(digest([source, key])[:16]), experiment, key)

    def add(self, id: str, parts: Sequence[StepPart], inputs: Inputs, entries: Sequence[str]) -> None:  # noqa: A002
        """Note what a value was made of; a record that cannot be written is none."""
        recipe = recipe_of(parts)
        lines: list[dict[str, Any]] = []
        if recipe not in self._told:
            steps = [asdict(part) for part in parts]
            lines.append({"experiment": self._experiment, "key": self._key, "recipe": recipe, "steps": steps})
        made = Made(recipe, inputs_of(id, inputs), tuple(entries))
        lines.append({"sample": sample_digest(id), **asdict(made)})
        # a line that a kill cut off must not spoil this one
        text = "".join(f"\n{json.dumps(line, separators=(',', ':'))}" for line in lines)
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            handle = below(self.path, lambda: os.open(self.path, flags, 0o600))
            try:
                os.write(handle, text.encode())
            finally:
                os.close(handle)
            self._told.add(recipe)

    def changed_at(self, parts: Sequence[StepPart]) -> int:
        """Return the place of the first step that differs from the last other steps recorded; 0 without any."""
        recipe = recipe_of(parts)
        if recipe not in self._changed:
            others = [known for name, known in read_recipes(self.path).items() if name != recipe]
            pairs = zip(others[-1], parts, strict=False) if others else ()
            same = itertools.takewhile(lambda pair: pair[0].digest == pair[1].digest, pairs)
            self._changed[recipe] = len(list(same))
        return self._changed[recipe]

    def read(self) -> Record:
        """Return all that is known; a file that has grown far beyond that is written anew."""
        record, lines = read_record(self.path)
        if lines > _WASTE * (len(record.latest) + len(record.recipes)):
            self._compact(record)
        return record

    def _compact(self, record: Record) -> None:
        used = {made.recipe for made in record.latest.values()}
        head = {"experiment": record.experiment, "key": record.key}
        lines: list[dict[str, Any]] = [
            {**head, "recipe": name, "steps": [asdict(part) for part in parts]}
            for name, parts in record.recipes.items()
            if name in used
        ]
        lines += [{"sample": sample, **asdict(made)} for sample, made in record.latest.items()]
        with suppress(OSError):  # another process may add a line meanwhile: then one change more cannot be told
            atomic_write(self.path, "".join(f"\n{json.dumps(line)}" for line in lines).encode())


def read_record(path: Path) -> tuple[Record, int]:
    """Return what a file holds, and its number of lines; nothing where there is none."""
    recipes: dict[str, tuple[StepPart, ...]] = {}
    latest: dict[str, Made] = {}
    about, lines = {"experiment": "", "key": ""}, _lines(path)
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            found = json.loads(line)
            if "sample" in found:
                made = Made(str(found["recipe"]), dict(found["inputs"]), tuple(found["entries"]))
                latest[str(found["sample"])] = made
            else:
                recipes[str(found["recipe"])] = tuple(StepPart(**step) for step in found["steps"])
                about = {name: str(found[name]) for name in about}
    return Record(about["experiment"], about["key"], recipes, latest), len(lines)


def read_recipes(path: Path) -> dict[str, tuple[StepPart, ...]]:
    """Return the steps in a file, in the order in which they were first used; the samples are passed over."""
    found: dict[str, tuple[StepPart, ...]] = {}
    for line in _lines(path):
        if b'"steps"' in line:
            with suppress(ValueError, KeyError, TypeError):
                facts = json.loads(line)
                found[str(facts["recipe"])] = tuple(StepPart(**step) for step in facts["steps"])
    return found


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().splitlines() if line]
    except OSError:
        return []


def recipe_of(parts: Sequence[StepPart]) -> str:
    """Return a digest of the steps."""
    return digest([part.digest for part in parts])[:16]


def inputs_of(id: str, inputs: Inputs) -> dict[str, str]:  # noqa: A002
    """Return a digest of everything that is read of a sample, by what it is; equal cells of two samples differ."""
    found: dict[str, str] = {}
    for read in inputs:
        for name, item in read.items():
            found[_name(name, item)] = hashlib.blake2b(
                json.dumps([id, name, item]).encode(), digest_size=8
            ).hexdigest()  # fmt: skip
    return found


def sample_digest(id: str) -> str:  # noqa: A002
    """Return what stands for a sample's id."""
    return hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _name(name: str, item: Identity) -> str:
    if isinstance(item, str):
        return f"cell `{name}`"
    return f"file of `{name.removeprefix('file of ')}`"
