"""The keys of the batch as a tree: what each holds, who makes it and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import Catalog, Entry, FieldSpec
from fuse_engine.core.component import split_entry
from fuse_engine.core.errors import FuseError, nearest
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.project import Project

SIDES = ("input", "gt")


@dataclass(frozen=True)
class Node:
    """One line of the tree."""

    key: str
    """The whole dotted path."""
    name: str
    """Its last part."""
    depth: int
    holds: str = ""
    """Type and size; empty for a branch, and for a key that is not known yet."""
    made_by: str = ""
    read_by: str = ""
    missing: bool = False
    """Whether it is read although nothing makes it."""
    advice: str = ""
    """What to do about a missing key."""
    shown: bool = False
    """Whether it is on the screen."""


class KeyTree:
    """Follows the keys of the open experiment."""

    columns = ("Key", "Holds", "Made by", "Read by")
    title = "Keys of the batch"
    help = "What each step, head, loss and metric makes and reads; click one to see it with its steps"

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project."""
        self.project = project
        self.nodes: tuple[Node, ...] = ()
        changes = (project.flow_changed, project.experiment_changed, project.catalog_changed)
        for signal in (*changes, project.shown.changed):
            signal.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        leaves = _leaves(self.project.experiment, self.project.flow, self.project.catalog)
        for key in set(leaves) & set(self.project.shown.key.values()):
            leaves[key]["shown"] = True
        found = tuple(_tree(leaves))
        if found != self.nodes:
            self.nodes = found
            self.changed.emit()


def _leaves(
    experiment: Experiment | None, flow: Sequence[Mapping[str, Any]], catalog: Catalog
) -> dict[str, dict[str, Any]]:
    """Return the facts of every key that is made or read."""
    if experiment is None:
        return {}
    leaves: dict[str, dict[str, Any]] = {}
    for side in SIDES:
        for name, steps in getattr(experiment.data, side).items():
            made = " → ".join(step.name for step in steps)
            leaves[f"data.{side}.{name}"] = {"made_by": made or "no step yet"}
    for info in flow:
        key = str(info["key"])
        if key.startswith("data.") and key not in leaves:
            continue  # the flow is older than the experiment
        facts = leaves.setdefault(key, {"made_by": str(info.get("producer") or "")})
        facts["holds"] = _holds(info)
    readers: dict[str, list[str]] = {}
    for where, key in keys_read(experiment, catalog):
        readers.setdefault(key, []).append(where)
    built = any(str(info["key"]).startswith("model.") for info in flow)
    for key, places in readers.items():
        missing = key not in leaves and (built or key.startswith("data."))
        facts = leaves.setdefault(key, {"missing": missing})
        facts["read_by"] = ", ".join(places)
        if missing:
            guess = nearest(key, [name for name in leaves if name != key])
            facts["advice"] = "nothing makes it" + (f"; did you mean '{guess}'?" if guess else "")
    return leaves


def _holds(info: Mapping[str, Any]) -> str:
    size = " × ".join(map(str, info.get("shape") or ())) or "one number"
    return f"{info.get('dtype') or ''}  {size}".strip()


def _tree(leaves: Mapping[str, Mapping[str, Any]]) -> Iterator[Node]:
    """Yield branches and leaves in order, each branch before what is below it."""
    known: set[str] = set()
    order = {"data": 0, "model": 1, "losses": 2, "metrics": 3}
    for key in sorted(leaves, key=lambda key: (order.get(key.split(".")[0], 9), not key.startswith("data.input"))):
        parts = key.split(".")
        for depth in range(len(parts) - 1):
            branch = ".".join(parts[: depth + 1])
            if branch not in known and branch not in leaves:
                known.add(branch)
                yield Node(branch, parts[depth], depth)
        yield Node(key, parts[-1], len(parts) - 1, **leaves[key])


def keys_read(experiment: Experiment, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield every key that a component of the experiment reads, with the component's place."""
    data = experiment.to_data()
    for index, entry in enumerate(data["augmentation"]):
        yield from _of_component("augmentation", entry, f"augmentation.{index}", catalog)
    yield from _of_component("model", data["model"], "model", catalog)
    for section, kind in (("losses", "loss"), ("metrics", "metric")):
        for name, entry in data[section].items():
            yield from _of_component(kind, entry, f"{section}.{name}", catalog)
    if data["data"].get("patches"):
        yield from _of_component("patches", data["data"]["patches"], "data.patches", catalog)
    if data["data"].get("negative_key"):
        yield "data.negative_key", str(data["data"]["negative_key"])
    balance = data["data"]["batch"].get("balance")
    if balance and balance.get("key"):
        yield "data.batch.balance", str(balance["key"])


def _of_component(kind: str, value: Any, where: str, catalog: Catalog) -> Iterator[tuple[str, str]]:
    try:
        name, arguments = split_entry(value)
    except FuseError:
        return
    entry: Entry | None = catalog.of(kind).get(name)
    for spec in entry.fields if entry else ():
        given = arguments.get(spec.name, spec.default)
        yield from _of_field(spec, given, where, catalog)


def _of_field(spec: FieldSpec, value: Any, where: str, catalog: Catalog) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if spec.kind == "key":
        yield where, str(value)
    elif spec.kind == "slot" and spec.slot:
        yield from _of_component(spec.slot, value, f"{where}.{spec.name}", catalog)
    elif spec.kind == "list" and spec.item is not None:
        items = value.items() if isinstance(value, Mapping) else ((spec.name, item) for item in value)
        for name, item in items:
            below = f"{where}.{name}" if spec.named else where
            yield from _of_field(spec.item, item, below, catalog)
