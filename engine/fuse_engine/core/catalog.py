"""What every component asks of a person, as plain data: forms and help need nothing else."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from fuse_engine.core import registry
from fuse_engine.core.component import Component, Holds
from fuse_engine.core.distribution import Distribution, PerAxis, Plain, Usual
from fuse_engine.core.keys import Holding, KeyMark, Role

FieldKind = Literal[
    "bool", "int", "float", "text", "choice", "path", "numbers", "distribution", "key", "slot", "list"
]
"""The closed list: a new kind is added here and to every renderer in one change."""


class FieldSpec(BaseModel):
    """One question of a form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: FieldKind
    help: str = ""
    required: bool = False
    optional: bool = False
    """Empty is an answer (None)."""
    default: Any = None
    """Plain data; a slot's default is `{Name: {field: value}}`."""
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    """The minimum itself is excluded."""
    open_maximum: bool = False
    length: int | None = None
    """How many numbers, where it is fixed."""
    whole: bool = False
    """Numbers are whole."""
    per_axis: bool = False
    """A distribution may be given for each axis by itself."""
    usual: tuple[float, float] | None = None
    """Where the sliders of a distribution begin and end that the bounds leave open; more can be typed."""
    choices: tuple[str, ...] = ()
    role: Role = ""
    """What a key is meant for."""
    holds: tuple[Holding, ...] = ()
    """What the truth can hold that a key names, the most usual first; anything where empty."""
    slot: str = ""
    """The kind of component that fits a slot."""
    entry: Entry | None = None
    """The one group of fields that fits a slot where there is no choice; its value is the plain mapping."""
    item: FieldSpec | None = None
    """What a list holds."""
    named: bool = False
    """The list is a mapping: every item has a name of its own."""
    literal: bool = False
    """Text that is written as YAML in the file, e.g. `{biopsy: [positive]}`."""


class Entry(BaseModel):
    """One component: kind, name, its sentence, its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    sentence: str
    fields: tuple[FieldSpec, ...] = ()
    origin: str = ""
    """Module that defines it."""
    dims: tuple[int, ...] = ()
    """Numbers of spatial axes that it works for, where it says so."""
    holds: tuple[Holding, ...] = ()
    """What the truth of its answers holds, the most usual first, where a head or model says so."""


FieldSpec.model_rebuild()


class Catalog(BaseModel):
    """Every component that is registered, and the plugins that could not be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...] = ()
    broken: dict[str, str] = {}

    def of(self, kind: str) -> dict[str, Entry]:
        """Return the entries of one kind by name."""
        return {entry.name: entry for entry in self.entries if entry.kind == kind}


def catalog() -> Catalog:
    """Describe all registered components; imports them, so it belongs into the engine's processes."""
    entries = [describe(cls) for kind in registry.KINDS for cls in registry.every(kind).values()]
    return Catalog(entries=tuple(entries), broken=dict(registry.broken))


def describe(cls: type[BaseModel]) -> Entry:
    """Describe a component class, or a section of the experiment.

    Raises:
        TypeError: for a field that no form can draw.
    """
    sentence = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    fields = [_field(name, info) for name, info in cls.model_fields.items()]
    kind = cls.kind if issubclass(cls, Component) else ""
    # what a component inherits stands before its own fields, of which a person has to answer some
    fields.sort(key=lambda field: not field.required or field.kind in ("slot", "list"))
    return Entry(
        kind=kind, name=cls.__name__, sentence=sentence, fields=tuple(fields), origin=cls.__module__,
        dims=getattr(cls, "dims", ()), holds=getattr(cls, "holds", ()),
    )  # fmt: skip


def _field(name: str, info: FieldInfo) -> FieldSpec:
    facts = _kind(name, info.annotation, list(info.metadata))
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return FieldSpec(
        name=info.alias or name, help=" ".join((info.description or "").split()), required=info.is_required(),
        default=_plain(default), **facts,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.to_entry()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Plain):
        return value.to_plain()
    return str(value) if isinstance(value, Path) else value


def _kind(name: str, annotation: Any, metadata: list[Any]) -> dict[str, Any]:
    """Return the facts of an annotation: kind, optional, bounds, choices, what it holds."""
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        return _kind(name, annotation, [*metadata, *more])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = get_args(annotation)
        rest = [part for part in parts if part is not type(None)]
        optional = len(rest) < len(parts)
        facts = _kind(name, rest[0], metadata) if len(rest) == 1 else {"kind": "text", "literal": True}
        return {**facts, "optional": optional}
    slot = next((mark for mark in metadata if isinstance(mark, Holds)), None)
    if slot is not None:
        return {"kind": "slot", "slot": slot.kind}
    key = next((mark for mark in metadata if isinstance(mark, KeyMark)), None)
    if key is not None:
        return {"kind": "key", "role": key.role, "holds": key.holds}
    if get_origin(annotation) is Literal:
        return {"kind": "choice", "choices": tuple(str(choice) for choice in get_args(annotation))}
    if annotation in (Distribution, PerAxis):
        return {"kind": "distribution", "per_axis": annotation is PerAxis, **_bounds(metadata), **_usual(metadata)}
    plain = {bool: "bool", int: "int", float: "float", str: "text", Path: "path"}.get(annotation)
    if plain:
        return {"kind": plain, **_bounds(metadata)}
    return _many(name, annotation, metadata)


def _many(name: str, annotation: Any, metadata: list[Any]) -> dict[str, Any]:
    arguments = [part for part in get_args(annotation) if part is not Ellipsis]
    if get_origin(annotation) in (list, tuple) and arguments and set(arguments) <= {int, float}:
        fixed = get_origin(annotation) is tuple and Ellipsis not in get_args(annotation)
        length = len(arguments) if fixed else None
        return {"kind": "numbers", "length": length, "whole": float not in arguments, **_bounds(metadata)}
    if get_origin(annotation) is list and len(arguments) == 1:
        return {"kind": "list", "item": _item(name, arguments[0])}
    if get_origin(annotation) is dict and arguments and arguments[0] is str:
        item = _kind(name, arguments[1], [])
        if item["kind"] in ("slot", "list"):
            return {"kind": "list", "named": True, "item": _item(name, arguments[1])}
        return {"kind": "text", "literal": True}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {"kind": "slot", "entry": describe(annotation)}
    raise TypeError(f"{name}: no form field for {annotation!r}")


def _item(name: str, annotation: Any) -> FieldSpec:
    return FieldSpec(name=name, **_kind(name, annotation, []))


def _bounds(metadata: list[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for mark in metadata:
        if isinstance(mark, at.Ge):
            facts["minimum"] = mark.ge
        elif isinstance(mark, at.Gt):
            facts.update(minimum=mark.gt, open_minimum=True)
        elif isinstance(mark, at.Le):
            facts["maximum"] = mark.le
        elif isinstance(mark, at.Lt):
            facts.update(maximum=mark.lt, open_maximum=True)
    return facts


def _usual(metadata: list[Any]) -> dict[str, Any]:
    mark = next((mark for mark in metadata if isinstance(mark, Usual)), None)
    return {"usual": (mark.low, mark.high)} if mark else {}
