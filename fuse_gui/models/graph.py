"""What the engine says of a model as it is wired: its parts, what flows between them, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from fuse_engine.core.errors import Problem
from fuse_gui.models.guards import Fix
from fuse_gui.models.key_facts import KeyFact, facts_of

WORDS = {
    "input": "input", "truth": "ground truth", "backbone": "backbone", "network": "network", "model": "model",
    "head": "head", "loss": "loss", "metric": "metric",
}  # fmt: skip
"""What each kind of part is called."""
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Node:
    """One part of the experiment."""

    id: str
    kind: str
    place: str
    """Dotted path in the experiment; empty for what no form holds."""
    title: str
    """What it is: the component, or what the key holds."""
    name: str
    """What it is called in the experiment."""
    parameters: int = 0
    flops: int | None = None
    problem: str = ""

    @property
    def size(self) -> str:
        """Parameters and floating-point operations of one sample, in a few letters."""
        words = [f"{amount(self.parameters)} parameters"] if self.parameters else []
        words += [f"{amount(self.flops)}FLOP"] if self.flops else []
        return ", ".join(words)

    @property
    def called(self) -> str:
        """Kind, name and title in one line."""
        named = f"{self.name}: " if self.name and self.name != self.title else ""
        return f"{WORDS.get(self.kind, self.kind)} {named}{self.title}"

    @property
    def help(self) -> str:
        """Everything that is known of it, in words."""
        return "\n".join(filter(None, (self.called, self.size, self.problem)))


@dataclass(frozen=True)
class Edge:
    """What one part gives to another."""

    source: str
    target: str
    key: str
    text: str
    """Its shape in words; empty where it is not known."""
    problem: str = ""


@dataclass(frozen=True)
class Wrong:
    """Something that does not fit, in one sentence, and what would mend it."""

    problem: Problem
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Extent:
    """How large something is along [z,] y, x."""

    voxels: tuple[float, ...]
    mm: tuple[float, ...]
    stride: tuple[float, ...] = ()
    """Voxels between the centres of neighbouring receptive fields."""
    whole: bool = False
    """Whether more than these voxels counts: the whole input, as with attention."""

    @property
    def text(self) -> str:
        """Both sizes in words."""
        voxels, mm = (" × ".join(f"{size:.4g}" for size in sizes) for sizes in (self.voxels, self.mm))
        if self.whole:
            return "the whole image"
        return f"{voxels} voxels" + (f" ({mm} mm)" if mm else "")


@dataclass(frozen=True)
class Graph:
    """A model as it is wired."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    parameters: int = 0
    trainable: int = 0
    flops: int | None = None
    receptive_field: Extent | None = None
    patch: Extent | None = None
    keys: Mapping[str, KeyFact] = field(default_factory=dict)

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """Return the engine's answer, typed."""
        return cls(
            tuple(map(_node, reply["nodes"])),
            tuple(map(_edge, reply["edges"])),
            tuple(map(_wrong, reply["problems"])),
            int(reply["parameters"]),
            int(reply["trainable"]),
            reply["flops"],
            _extent(reply["receptive_field"]),
            _extent(reply["patch"]),
            facts_of(reply["keys"]),
        )

    def node(self, name: str) -> Node | None:
        """Return the part with that id."""
        return next((node for node in self.nodes if node.id == name), None)

    @property
    def size(self) -> str:
        """The whole model in one line: parameters, operations, receptive field, patch."""
        words = [f"{amount(self.parameters)} parameters"] if self.parameters else []
        if self.trainable and self.trainable != self.parameters:
            words.append(f"{amount(self.trainable)} of them trained")
        words += [f"{amount(self.flops)}FLOP a sample"] if self.flops else []
        words += [f"receptive field {self.receptive_field.text}"] if self.receptive_field else []
        if self.receptive_field and self.receptive_field.stride and not self.receptive_field.whole:
            words[-1] += f", one every {' × '.join(f'{step:.4g}' for step in self.receptive_field.stride)} voxels"
        words += [f"patch {self.patch.text}"] if self.patch else []
        return "; ".join(words)


def amount(number: float) -> str:
    """Return a large number in a few letters, e.g. `11.2 M`."""
    for step, letter in _STEPS:
        if number >= step:
            return f"{number / step:.3g} {letter}"
    return f"{number:.3g} "


def fixes_of(found: Sequence[Mapping[str, Any]]) -> tuple[Fix, ...]:
    """Return changes of the experiment as the engine proposes them."""
    return tuple(Fix(str(fix["title"]), tuple(fix["path"]), fix["value"]) for fix in found)


def _node(found: Mapping[str, Any]) -> Node:
    texts = {name: str(found.get(name) or "") for name in ("id", "kind", "place", "title", "name", "problem")}
    return Node(**texts, parameters=int(found.get("parameters") or 0), flops=found.get("flops"))


def _edge(found: Mapping[str, Any]) -> Edge:
    names = ("from", "to", "key", "text", "problem")
    start, end, key, text, problem = (str(found.get(name) or "") for name in names)
    return Edge(start, end, key, text.replace(" x ", " × "), problem)


def _wrong(found: Mapping[str, Any]) -> Wrong:
    known = {name: str(text) for name, text in found.items() if name in Problem.__dataclass_fields__}
    return Wrong(Problem(**known), fixes_of(found.get("fixes") or ()))


def _extent(found: Mapping[str, Any] | None) -> Extent | None:
    if not found:
        return None
    voxels, mm, stride = (tuple(map(float, found.get(name) or ())) for name in ("voxels", "mm", "stride"))
    return Extent(voxels, mm, stride, bool(found.get("whole")))
