"""Where the parts of a model are drawn: in rows from the inputs down, with as few crossings as is easily had."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fuse_gui.models.graph import WORDS, Edge, Graph, Node

NODE_HIGH, GAP_HIGH, GAP_WIDE, EDGE = 38, 30, 10, 6
"""Pixels: height of a part, room between rows and between parts, and around the drawing."""
WIDEST, USUAL, NARROWEST, BEND = 200, 130, 84, 10
"""Pixels that a part may be wide, is in a full row, is at least, and that an edge takes which passes a row."""
LETTERS = (6.6, 5.6)
"""Pixels of a letter, about: bold of 11 px in the first line of a part, of 10 px everywhere else."""
LABEL_HIGH = 13
SWEEPS = 6
LEAVES, SOURCES = ("loss", "metric"), ("input", "truth")
_TRIES = (0.5, 0.32, 0.68, 0.2, 0.8)
"""Where along an edge its label may stand; the first free place is taken."""


@dataclass(frozen=True)
class Box:
    """Where something stands, in pixels from the upper left."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def middle(self) -> float:
        """X of its centre."""
        return self.x + self.wide / 2

    def meets(self, other: Box) -> bool:
        """Whether both share a pixel."""
        return (
            self.x < other.x + other.wide and other.x < self.x + self.wide
            and self.y < other.y + other.high and other.y < self.y + self.high
        )  # fmt: skip

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x <= x <= self.x + self.wide and self.y <= y <= self.y + self.high


@dataclass(frozen=True)
class Drawn:
    """A part with the texts that fit into its box."""

    node: Node
    box: Box
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Path:
    """An edge: the points that it goes through from top to bottom, and its label where there is room."""

    edge: Edge
    points: tuple[tuple[float, float], ...]
    label: Box | None


@dataclass(frozen=True)
class Layout:
    """A drawing of a graph."""

    wide: float
    high: float
    nodes: tuple[Drawn, ...] = ()
    paths: tuple[Path, ...] = ()

    def at(self, x: float, y: float) -> Node | None:
        """Return the part at a point."""
        return next((drawn.node for drawn in self.nodes if drawn.box.holds(x, y)), None)


def layout(graph: Graph, wide: float) -> Layout:
    """Return a drawing that is `wide` pixels wide, more where a row needs it."""
    if not graph.nodes:
        return Layout(wide, 0)
    nodes = {node.id: node for node in graph.nodes}
    edges = [edge for edge in graph.edges if edge.source in nodes and edge.target in nodes]
    ranks = _split_leaves(nodes, _ranks(nodes, edges), wide)
    chains = [_chain(edge, ranks) for edge in edges]
    rows = _ordered(_rows(nodes, ranks, chains), [pair for chain in chains for pair in _pairs(chain)])
    widths = {**dict.fromkeys((name for row in rows for name in row), float(BEND)), **_widths(nodes, rows, wide)}
    lefts = _places(rows, widths, chains, wide)
    needed = max(lefts[row[-1]] + widths[row[-1]] for row in rows if row) + EDGE
    rank_of = {name: number for number, row in enumerate(rows) for name in row}
    boxes = {name: Box(lefts[name], _top(rank), widths[name], NODE_HIGH) for name, rank in rank_of.items()}
    drawn = tuple(Drawn(node, boxes[node.id], _lines(node, widths[node.id])) for node in graph.nodes)
    high = _top(len(rows) - 1) + NODE_HIGH + EDGE
    return Layout(
        max(wide, math.floor(needed)), high, drawn, _paths(edges, chains, boxes, [one.box for one in drawn])
    )


def _ranks(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the row of each part: below everything it reads, truths just above what reads them."""
    ranks = dict.fromkeys(nodes, 0)
    for _ in nodes:  # a circle ends after as many rounds as there are parts
        before = dict(ranks)
        for edge in edges:
            ranks[edge.target] = min(max(ranks[edge.target], ranks[edge.source] + 1), len(nodes))
        if ranks == before:
            break
    deepest = max((rank for name, rank in ranks.items() if nodes[name].kind not in LEAVES), default=0)
    for name, node in nodes.items():
        if node.kind in LEAVES:
            ranks[name] = max(ranks[name], deepest + 1)
    for name, node in nodes.items():
        readers = [ranks[edge.target] for edge in edges if edge.source == name]
        if node.kind == "truth":
            ranks[name] = max(min(readers, default=deepest + 1) - 1, 0)
    return ranks


def _split_leaves(nodes: Mapping[str, Node], ranks: dict[str, int], wide: float) -> dict[str, int]:
    """Give losses and metrics a row together where their texts fit, else as many of their own as they need."""
    lowest = min((rank for name, rank in ranks.items() if nodes[name].kind in LEAVES), default=0)
    kinds = [[name for name, node in nodes.items() if node.kind == kind] for kind in LEAVES]
    together = _filled([name for group in kinds for name in group], nodes, wide, WIDEST)
    groups = (
        together if len(together) == 1 else [row for kind in kinds for row in _filled(kind, nodes, wide, USUAL)]
    )
    split = dict(ranks)
    for number, group in enumerate(groups):
        split.update(dict.fromkeys(group, lowest + number))
    return split


def _filled(names: Sequence[str], nodes: Mapping[str, Node], wide: float, most: float) -> list[list[str]]:
    """Return names in rows, as many in each as fit, none wider than `most`."""
    rows: list[list[str]] = []
    room = 0.0
    for name in names:
        needed = min(_wanted(nodes[name]), most) + GAP_WIDE
        if not rows or needed > room:
            rows.append([])
            room = wide - 2 * EDGE + GAP_WIDE
        rows[-1].append(name)
        room -= needed
    return rows


def _chain(edge: Edge, ranks: Mapping[str, int]) -> list[str]:
    """Return what an edge goes through: its ends, and in every row between a bend that edges of one part share."""
    between = range(ranks[edge.source] + 1, ranks[edge.target])
    return [edge.source, *(f"\0{rank} {edge.source}" for rank in between), edge.target]


def _pairs(chain: Sequence[str]) -> Iterable[tuple[str, str]]:
    return pairwise(chain)


def _rows(nodes: Mapping[str, Node], ranks: Mapping[str, int], chains: Sequence[Sequence[str]]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for name in nodes:
        rows[ranks[name]].append(name)
    for chain in chains:
        for step, name in enumerate(chain[1:-1], ranks[chain[0]] + 1):
            if name not in rows[step]:
                rows[step].append(name)
    return rows


def _ordered(rows: list[list[str]], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Sort every row by the middle of what its members are joined to, down and up in turn."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for first, second in pairs:
        below.setdefault(first, []).append(second)
        above.setdefault(second, []).append(first)
    for sweep in range(SWEEPS):
        joined, order = (above, rows[1:]) if sweep % 2 == 0 else (below, rows[-2::-1])
        place = {name: (index + 0.5) / len(row) for row in rows for index, name in enumerate(row)}
        for row in order:
            row.sort(key=lambda name: _mean([place[other] for other in joined.get(name, ())], place[name]))
            place.update({name: (index + 0.5) / len(row) for index, name in enumerate(row)})
    return rows


def _mean(values: Sequence[float], fallback: float) -> float:
    return sum(values) / len(values) if values else fallback


def _widths(nodes: Mapping[str, Node], rows: Sequence[Sequence[str]], wide: float) -> dict[str, float]:
    """Return how wide each part is: as its texts ask for, less where its row is full."""
    widths: dict[str, float] = {}
    for row in rows:
        parts = [name for name in row if name in nodes]
        wanted = {name: _wanted(nodes[name]) for name in parts}
        room = wide - 2 * EDGE - GAP_WIDE * (len(row) - 1) - BEND * (len(row) - len(parts))
        most = next(
            (top for top in range(WIDEST, NARROWEST, -2) if sum(min(w, top) for w in wanted.values()) <= room),
            NARROWEST,
        )
        widths.update({name: float(min(width, most)) for name, width in wanted.items()})
    return widths


def _wanted(node: Node) -> float:
    longest = max(len(text) * letter for text, letter in zip(_texts(node), LETTERS, strict=True))
    return min(max(longest + 14, NARROWEST), WIDEST)


def _texts(node: Node) -> tuple[str, str]:
    name, what = node.name or node.title, node.title
    if node.kind in SOURCES:
        return name, WORDS[node.kind]
    return name, " · ".join(filter(None, ("" if what == name else what, node.size.replace(" parameters", ""))))


def _lines(node: Node, wide: float) -> tuple[str, ...]:
    """Return the name, and below it as much of what it is as fits whole."""
    name, below = _texts(node)
    while (
        below and len(below) * LETTERS[1] > wide - 10 and (cut := max(below.rfind(", "), below.rfind(" · "))) > 0
    ):
        below = below[:cut]
    texts = zip((name, below), LETTERS, strict=True)
    return tuple(elided(text, wide - 10, letter) for text, letter in texts if text)


def elided(text: str, wide: float, letter: float) -> str:
    """Return as much of a text as fits into `wide` pixels at `letter` pixels each."""
    count = int(wide // letter)
    return text if len(text) <= count else text[: max(count - 1, 1)] + "…"


def _places(
    rows: Sequence[Sequence[str]], widths: Mapping[str, float], chains: Sequence[Sequence[str]], wide: float
) -> dict[str, float]:
    """Return the left edge of everything: each near the middle of what it is joined to, none over another."""
    joined: dict[str, list[str]] = {}
    for chain in chains:
        for first, second in _pairs(chain):
            joined.setdefault(first, []).append(second)
            joined.setdefault(second, []).append(first)
    middles: dict[str, float] = {}
    for row in rows:
        total = sum(widths[name] for name in row) + GAP_WIDE * (len(row) - 1)
        middles.update(_packed(row, widths, (wide - total) / 2))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = [_mean([middles[other] for other in joined.get(name, ())], middles[name]) for name in row]
            middles.update(_apart(row, widths, wanted, wide))
    lefts = {name: middle - widths[name] / 2 for name, middle in middles.items()}
    start, end = min(lefts.values()), max(left + widths[name] for name, left in lefts.items())
    shift = max((wide - start - end) / 2, EDGE - start)
    return {name: left + shift for name, left in lefts.items()}


def _packed(row: Sequence[str], widths: Mapping[str, float], left: float) -> dict[str, float]:
    middles: dict[str, float] = {}
    for name in row:
        middles[name] = left + widths[name] / 2
        left += widths[name] + GAP_WIDE
    return middles


def _apart(
    row: Sequence[str], widths: Mapping[str, float], wanted: Sequence[float], wide: float
) -> dict[str, float]:
    """Return the middles nearest to those wanted (in squares) at which nothing overlaps, inside the drawing."""
    offsets, offset = [], 0.0
    for name in row:
        offsets.append(offset + widths[name] / 2)
        offset += widths[name] + GAP_WIDE
    blocks: list[tuple[float, int]] = []
    for target, shift in zip(wanted, offsets, strict=True):
        value, count = target - shift, 1
        while blocks and blocks[-1][0] > value:
            before, many = blocks.pop()
            value, count = (before * many + value * count) / (many + count), count + many
        blocks.append((value, count))
    room = wide - EDGE - (offset - GAP_WIDE)
    starts = [min(max(value, EDGE), max(room, EDGE)) for value, count in blocks for _ in range(count)]
    return {name: start + shift for name, start, shift in zip(row, starts, offsets, strict=True)}


def _top(rank: int) -> float:
    return EDGE + rank * (NODE_HIGH + GAP_HIGH)


def _paths(
    edges: Sequence[Edge], chains: Sequence[Sequence[str]], boxes: Mapping[str, Box], taken: list[Box]
) -> tuple[Path, ...]:
    """Return the edges; of several that carry the same out of one part only the first is labelled."""
    said: set[tuple[str, str]] = set()
    paths: list[Path] = []
    for edge, chain in zip(edges, chains, strict=True):
        points = tuple(_points(chain, boxes))
        label = None
        if edge.text and ((edge.source, edge.text) not in said or edge.problem):
            label = _label(edge.text, points, taken)
        if label is not None:
            said.add((edge.source, edge.text))
            taken.append(label)
        paths.append(Path(edge, points, label))
    return tuple(paths)


def _points(chain: Sequence[str], boxes: Mapping[str, Box]) -> Iterable[tuple[float, float]]:
    first, last = boxes[chain[0]], boxes[chain[-1]]
    yield first.middle, first.y + first.high
    for name in chain[1:-1]:
        yield boxes[name].middle, boxes[name].y
        yield boxes[name].middle, boxes[name].y + boxes[name].high
    yield last.middle, last.y


def _label(text: str, points: Sequence[tuple[float, float]], taken: Sequence[Box]) -> Box | None:
    wide = len(text) * LETTERS[1] + 6
    for start in range(0, len(points) - 1, 2):
        (x0, y0), (x1, y1) = points[start], points[start + 1]
        for share in _TRIES:
            x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
            found = Box(x - wide / 2, y - LABEL_HIGH / 2, wide, LABEL_HIGH)
            if found.x >= 0 and not any(found.meets(box) for box in taken):
                return found
    return None
