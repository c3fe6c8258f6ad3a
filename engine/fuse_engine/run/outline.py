"""What an experiment is made of, as far as it can be read: also where a part of it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fuse_engine.core import registry
from fuse_engine.core.catalog import Entry, FieldSpec, describe
from fuse_engine.core.component import split_entry
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.keys import Role


@dataclass(frozen=True)
class Block:
    """A component as written, with its slots filled by what it has by default."""

    kind: str
    name: str
    """Name of the component, e.g. `ResNet`."""
    place: Place
    """Of its slot, e.g. `("model", "MultiHead", "backbone")`."""
    reads: tuple[tuple[str, str, Role], ...]
    """Field, key and what the key is meant for."""
    known: bool
    """Whether there is such a component."""

    @property
    def id(self) -> str:
        """The place as text."""
        return ".".join(map(str, self.place))

    @property
    def fields(self) -> Place:
        """The place below which its fields stand; a group of fields has no name of its own."""
        return (*self.place, self.name) if self.name else self.place

    @property
    def part(self) -> str:
        """Name of the part of the built model, e.g. `heads.classifier`."""
        return ".".join(map(str, self.place[2:]))

    @property
    def title(self) -> str:
        """Name in the experiment, e.g. `classifier`; that of the component where it has none."""
        last = self.place[-1]
        return last if isinstance(last, str) and len(self.place) > 1 and self.place[-2] in _NAMED else self.name


_NAMED = ("heads", "losses", "metrics")
"""Fields whose components have names of their own."""


def outline(experiment: Experiment) -> list[Block]:
    """Return the model with all that stands in its slots, the losses and the metrics."""
    found = list(_blocks("model", ("model",), {experiment.model.name: experiment.model.args}))
    for section, kind in (("losses", "loss"), ("metrics", "metric")):
        for name, spec in getattr(experiment, section).items():
            found += _blocks(kind, (section, name), {spec.name: spec.args})
    return found


def _blocks(kind: str, place: Place, value: Any) -> Iterator[Block]:
    try:
        name, args = split_entry(value)
    except FuseError:
        return  # no component stands here; the check says what does
    entry = _entry(kind, name)
    fields = entry.fields if entry is not None else ()
    yield from _with_slots(Block(kind, name, place, tuple(_reads(fields, args)), entry is not None), fields, args)


def _with_slots(block: Block, fields: tuple[FieldSpec, ...], args: dict[str, Any]) -> Iterator[Block]:
    yield block
    for spec in fields:
        for at, item, value in _held(spec, args.get(spec.name, spec.default)):
            place = (*block.fields, spec.name, *at)
            if item.slot:
                yield from _blocks(item.slot, place, value)
            elif item.entry is not None and isinstance(value, dict):
                reads = tuple(_reads(item.entry.fields, value))
                yield from _with_slots(Block("", "", place, reads, True), item.entry.fields, value)


@lru_cache(maxsize=512)
def _entry(kind: str, name: str) -> Entry | None:
    try:
        return describe(registry.get(kind, name))
    except FuseError:
        return None


def _reads(fields: tuple[FieldSpec, ...], args: dict[str, Any]) -> Iterator[tuple[str, str, Role]]:
    for spec in fields:
        item = spec.item if spec.kind == "list" and spec.item is not None else spec
        if item.kind != "key":
            continue
        value = args.get(spec.name, spec.default)
        for key in value if isinstance(value, list) else [value]:
            if isinstance(key, str) and key:
                yield spec.name, key, item.role


def _held(spec: FieldSpec, value: Any) -> Iterator[tuple[Place, FieldSpec, Any]]:
    """Yield place below the field, what belongs there, and the value of everything in the slots of a field."""
    if spec.kind == "slot" and value:
        yield (), spec, value
    elif spec.kind == "list" and spec.item is not None and spec.item.kind == "slot":
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for at, item in items:
            yield (at,), spec.item, item
