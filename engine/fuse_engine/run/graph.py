"""An experiment as a picture: what goes where, in which shape, at what cost, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.models.base import FEATURES
from fuse_engine.run.outline import Block, outline
from fuse_engine.run.tracing import Traced

T = TypeVar("T")
_DRAWN = ("backbone", "network", "head", "loss", "metric")


@dataclass(frozen=True)
class Node:
    """A box of the picture."""

    id: str
    """Place in the experiment, for inputs and truths the same as their key."""
    kind: str
    """`input`, `truth`, `backbone`, `network`, `head`, `model` where it has no such parts, `loss`, `metric`."""
    place: str
    title: str
    """What a person reads, e.g. `ResNet`, `image`."""
    name: str
    """Name that a person gave, e.g. `classifier`; empty where there is none."""
    parameters: int = 0
    flops: int | None = None
    """Floating-point operations of one sample's forward pass."""
    problem: str = ""


@dataclass(frozen=True)
class Edge:
    """An arrow of the picture, along which a value goes."""

    source: str
    target: str
    key: str
    where: str
    """Place of the field that reads it."""
    shape: tuple[int, ...] | None = None
    """Without the batch axis; None where it is not known."""
    problem: str = ""

    @property
    def text(self) -> str:
        """The shape as a person writes it."""
        if self.shape is None:
            return ""
        return " x ".join(map(str, self.shape)) or "1"


@dataclass(frozen=True)
class Graph:
    """The boxes and arrows of an experiment."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def draw(experiment: Experiment, batch: NestedDict | None, traced: Traced, problems: list[Problem]) -> Graph:
    """Return the picture of an experiment, as far as it is known."""
    blocks = outline(experiment)
    drawn = _drawn(blocks)
    nodes = [*_keys(experiment), *(_node(block, traced) for block in drawn)]
    edges = list(_edges(blocks, drawn, {node.id for node in nodes}))
    return _marked([replace(edge, shape=_shape(edge, batch, traced)) for edge in edges], nodes, problems)


def _drawn(blocks: list[Block]) -> list[Block]:
    """Return the blocks with a box: a model that has no parts of its own stands for itself."""
    found = [block for block in blocks if block.kind in _DRAWN and not _inside_loss(block)]
    if any(block.kind in ("backbone", "network") for block in found):
        return found
    models = [block for block in blocks if block.kind == "model"]
    return [*models, *found]


def _inside_loss(block: Block) -> bool:
    """Say whether a loss or metric is a part of another one, which is drawn for it."""
    return block.kind in ("loss", "metric") and len(block.place) > 2


def _keys(experiment: Experiment) -> Iterator[Node]:
    for side, kind in (("input", "input"), ("gt", "truth")):
        for name in getattr(experiment.data, side):
            yield Node(f"data.{side}.{name}", kind, f"data.{side}.{name}", name, name)


def _node(block: Block, traced: Traced) -> Node:
    cost = _of_part(block.part, traced.costs) if block.kind in ("backbone", "network", "head", "model") else None
    if block.kind == "model":
        cost = traced.whole
    name = "" if block.title == block.name else block.title
    return Node(
        block.id, block.kind, block.id, block.name, name, cost.parameters if cost else 0,
        cost.flops if cost else None,
    )  # fmt: skip


def _of_part(name: str, known: Mapping[str, T]) -> T | None:
    """Return what is known of a part, or of the one that it is in."""
    return next((known[part] for part in _upwards(name) if part in known), None)


def _edges(blocks: list[Block], drawn: list[Block], known: set[str]) -> Iterator[Edge]:
    places = {block.id: block for block in drawn}
    for block in blocks:
        targets = [block] if block.id in places else _fed(block, drawn)
        if _inside_loss(block):
            targets = [other for other in drawn if block.place[:2] == other.place]
        for name, key, _ in block.reads:
            for source in _makers(key, drawn, known):
                for target in targets:
                    if source != target.id:
                        yield Edge(source, target.id, key, ".".join(map(str, (*block.fields, name))))
    yield from _features(drawn)


def _fed(block: Block, drawn: list[Block]) -> list[Block]:
    """Return what the inputs of a block without a box go into: the nearest networks below it."""
    start = block.fields
    below = [
        other for other in drawn if other.kind in ("backbone", "network") and other.place[: len(start)] == start
    ]
    return below or [other for other in drawn if other.kind == "head" and other.place[: len(start)] == start]


def _makers(key: str, drawn: list[Block], known: set[str]) -> list[str]:
    """Return the ids of what makes a key."""
    if key.startswith("data."):
        return [key] if key in known else []
    name = key.rpartition(".")[2]
    heads = [block.id for block in drawn if block.kind == "head" and block.title == name]
    if heads and key != FEATURES:
        return heads
    return [block.id for block in drawn if block.kind in ("backbone", "network", "model")][-1:]


def _features(drawn: list[Block]) -> Iterator[Edge]:
    """Yield the arrows from networks to the heads beside them."""
    heads = [block for block in drawn if block.kind == "head"]
    for source in (block for block in drawn if block.kind in ("backbone", "network")):
        for head in heads:
            if source.place[:2] == head.place[:2]:
                yield Edge(source.id, head.id, FEATURES, head.id)


def _shape(edge: Edge, batch: NestedDict | None, traced: Traced) -> tuple[int, ...] | None:
    if edge.key == FEATURES:
        part = ".".join(edge.source.split(".")[2:])
        return _of_part(part, traced.features) or traced.features.get(FEATURES)
    value = batch[edge.key] if batch is not None and edge.key in batch else None
    return tuple(value.shape[1:]) if isinstance(value, Tensor) else None


def _marked(edges: list[Edge], nodes: list[Node], problems: list[Problem]) -> Graph:
    """Write each problem at the arrow whose field it names, else at the nearest box."""
    at_edge: dict[str, str] = {}
    at_node: dict[str, str] = {}
    fields = {edge.where for edge in edges if edge.key != FEATURES}
    for problem in problems:
        text = str(replace(problem, where="", source=""))
        place = next((start for start in _upwards(problem.where) if start in fields), "")
        if place:
            at_edge.setdefault(place, text)
        elif box := _nearest_box(problem.where, nodes):
            at_node.setdefault(box, text)
    return Graph(
        [replace(node, problem=at_node.get(node.id, "")) for node in nodes],
        [replace(edge, problem=at_edge.get(edge.where, "")) for edge in edges],
    )


def _upwards(where: str) -> Iterator[str]:
    while where:
        yield where
        where = where.rpartition(".")[0]


def _nearest_box(where: str, nodes: list[Node]) -> str:
    known = {node.id for node in nodes}
    own = next((start for start in _upwards(where) if start in known), "")
    if own or not where.startswith("model"):
        return own
    return next((node.id for node in nodes if node.place.startswith("model")), "")


def key_role(key: str, value: object) -> str:
    """Return what a key is good for: `image`, `signal`, `vector`, `text`, `truth`, `logits`, `output`, ..."""
    if key == FEATURES:
        return "features"
    for start, role in (("model.logits.", "logits"), ("model.output.", "output"), ("data.gt.", "truth")):
        if key.startswith(start):
            return role
    if not isinstance(value, Tensor):
        return "text" if value is not None else ""
    return {1: "vector", 2: "vector", 3: "signal"}.get(value.ndim, "image")


def key_holds(value: object) -> str:
    """Return what a truth holds: `classes`, `label map`, `numbers`, `map`, `text`; empty where it is not known."""
    if not isinstance(value, Tensor):
        return "" if value is None else "text"
    if value.ndim > 3:
        return "map" if value.is_floating_point() else "label map"
    return "numbers" if value.is_floating_point() or value.ndim > 1 else "classes"
