"""Which components of an experiment read which keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fuse_engine.core.catalog import describe
from fuse_engine.core.component import Component
from fuse_engine.core.document import Place
from fuse_engine.core.keys import Role, keys_of
from fuse_engine.run.assembly import Assembly


@dataclass(frozen=True)
class Reader:
    """A field that reads a key."""

    place: Place
    """Of the field, e.g. `("losses", "cls", "CrossEntropy", "pred")`."""
    key: str
    role: Role
    """What a key there is meant for."""

    @property
    def where(self) -> str:
        """The place as text."""
        return ".".join(map(str, self.place))


def components(assembly: Assembly) -> Iterator[tuple[Place, Component]]:
    """Yield what reads keys, in the order of the batch's way, each with its place."""
    experiment = assembly.experiment
    steps = assembly.parts.below(Component, "augmentation")
    for index in sorted(steps, key=int):
        yield ("augmentation", int(index), steps[index].name()), steps[index]
    yield assembly.model_place, assembly.model
    for section, found in (("losses", assembly.losses), ("metrics", assembly.metrics)):
        specs = getattr(experiment, section)
        for name, item in found.items():
            yield (section, name, specs[name].name), item


def within(place: Place, item: Component) -> Iterator[tuple[Place, Component]]:
    """Yield a component and those in its slots."""
    yield place, item
    for name in type(item).model_fields:
        for key, inner in _named(getattr(item, name)):
            if isinstance(inner, Component):
                below: Place = (name,) if key is None else (name, key)
                # what is no choice among components, like a stream, stands there without a name
                yield from within((*place, *below, *((inner.name(),) if inner.kind else ())), inner)


def _named(value: Any) -> list[tuple[str | int | None, Any]]:
    """Return what a field holds by name or position; one thing alone has none."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else [(None, value)]


def read_by(place: Place, item: Component) -> Iterator[Reader]:
    """Yield the keys that one component reads, without those in its slots."""
    roles = _roles(type(item))
    for field, keys in keys_of(item).items():
        for key in keys:
            yield Reader((*place, field), key, roles[field])


@lru_cache(maxsize=1024)
def _roles(cls: type[Component]) -> dict[str, Role]:
    """Return what the keys of each field are meant for."""
    return {spec.name: (spec.item or spec).role for spec in describe(cls).fields}


def readers(assembly: Assembly) -> list[Reader]:
    """Return all that read the batch."""
    found = [
        reader
        for top, component in components(assembly)
        for place, item in within(top, component)
        for reader in read_by(place, item)
    ]
    data = assembly.experiment.data
    if data.batch.balance and data.batch.balance.key:
        found.append(Reader(("data", "batch", "balance", "key"), data.batch.balance.key, "truth"))
    return [*found, Reader(("data", "negative_key"), data.negative_key, "truth")] if data.negative_key else found
