"""Every question of a part of the experiment with its answer, found by the catalogue alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fuse_engine.core.catalog import Catalog, Entry, FieldSpec
from fuse_engine.core.component import split_entry
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError


@dataclass(frozen=True)
class Spot:
    """One question, its answer as plain data, and its place in the experiment."""

    place: Place
    spec: FieldSpec
    value: Any
    entry: Entry | None = None
    """The component that asks; None for the experiment itself."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that stand here."""
        if self.spec.kind == "key":
            return (str(self.value),) if self.value else ()
        return tuple(map(str, self.value)) if self.holds_keys and isinstance(self.value, list) else ()

    @property
    def holds_keys(self) -> bool:
        """Whether it is a list of keys."""
        return self.spec.kind == "list" and self.spec.item is not None and self.spec.item.kind == "key"

    @property
    def role(self) -> str:
        """What its keys are meant for."""
        return self.spec.item.role if self.holds_keys and self.spec.item else self.spec.role

    @property
    def takes(self) -> str:
        """The kind of component that it holds: one, or a list of them."""
        spec = self.spec.item if self.spec.kind == "list" and self.spec.item else self.spec
        return spec.slot if spec.kind == "slot" else ""


def spots(
    catalog: Catalog, spec: FieldSpec, value: Any, place: Place, entry: Entry | None = None
) -> Iterator[Spot]:
    """Go over a question and all those inside its answer, the outer ones first."""
    yield Spot(place, spec, value, entry)
    if spec.kind == "slot":
        yield from _inside(catalog, spec, value, place)
    elif spec.kind == "list" and spec.item is not None:
        items = (
            value.items() if isinstance(value, Mapping) else enumerate(value if isinstance(value, list) else ())
        )
        for name, item in items:
            if spec.item.kind in ("slot", "list"):
                yield from spots(catalog, spec.item, item, (*place, name), entry)


def _inside(catalog: Catalog, spec: FieldSpec, value: Any, place: Place) -> Iterator[Spot]:
    if spec.entry is not None:
        fields, args, inner, asks = (
            spec.entry.fields,
            value if isinstance(value, Mapping) else {},
            place,
            spec.entry,
        )
    else:
        try:
            name, args = split_entry(value)
        except FuseError:
            return
        found = catalog.of(spec.slot).get(name)
        if found is None:
            return
        fields, inner, asks = found.fields, (*place, name), found
    for field in fields:
        yield from spots(catalog, field, args.get(field.name, field.default), (*inner, field.name), asks)
