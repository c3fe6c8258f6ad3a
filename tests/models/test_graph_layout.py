"""The drawing of a model: rows from the inputs down, nothing over anything else, every text inside."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest

from fuse_gui.models.graph import Edge, Graph, Node
from fuse_gui.models.graph_layout import GAP_HIGH, NODE_HIGH, Layout, layout
from fuse_gui.models.graph_look import svg
from tests.gui_graph import graph as two_heads


def tops(drawing: Layout) -> dict[str, float]:
    return {drawn.node.id: drawn.box.y for drawn in drawing.nodes}


def many(count: int) -> Graph:
    nodes = [Node("x", "input", "", "x", "x"), Node("net", "model", "model", "Net", "")]
    nodes += [Node(f"h{i}", "head", f"heads.h{i}", "Head", f"h{i}") for i in range(count)]
    nodes += [Node(f"l{i}", "loss", f"losses.l{i}", "Loss", f"l{i}") for i in range(count)]
    edges = [Edge("x", "net", "data.input.x", "1 x 8")]
    edges += [Edge("net", f"h{i}", "model.backbone_features", "4") for i in range(count)]
    return Graph(tuple(nodes), (*edges, *(Edge(f"h{i}", f"l{i}", "model.logits", "2") for i in range(count))))


def test_rows_run_from_the_inputs_to_what_reads_the_heads() -> None:
    found = tops(layout(Graph.of(two_heads()), 500))
    step = NODE_HIGH + GAP_HIGH
    rows = {name: round((top - 6) / step) for name, top in found.items()}
    assert rows == {
        "data.input.image": 0, "data.input.clinical": 0, "backbone": 1, "classifier": 2, "segmentation": 2,
        "data.gt.classification": 2, "data.gt.segmentation": 2, "losses.cls": 3, "losses.seg": 3,
        "metrics.auc": 4, "metrics.accuracy": 4, "metrics.iou": 4,
    }  # fmt: skip


@pytest.mark.parametrize("wide", [300, 500, 900])
def test_nothing_lies_over_anything_else(wide: int) -> None:
    for graph in (Graph.of(two_heads()), many(7)):
        drawing = layout(graph, wide)
        boxes = [drawn.box for drawn in drawing.nodes] + [path.label for path in drawing.paths if path.label]
        assert not any(first.meets(second) for first, second in combinations(boxes, 2))
        assert all(box.x >= 0 and box.x + box.wide <= drawing.wide + 0.01 for box in boxes)


def test_a_dock_of_500_pixels_is_wide_enough_and_more_parts_make_it_wider() -> None:
    assert layout(Graph.of(two_heads()), 500).wide == 500
    assert layout(many(12), 500).wide > 500


def test_an_edge_begins_and_ends_at_its_parts_and_only_goes_down() -> None:
    drawing = layout(Graph.of(two_heads()), 500)
    boxes = {drawn.node.id: drawn.box for drawn in drawing.nodes}
    for path in drawing.paths:
        start, end = boxes[path.edge.source], boxes[path.edge.target]
        assert path.points[0] == (start.middle, start.y + start.high)
        assert path.points[-1] == (end.middle, end.y)
        assert all(above[1] <= below[1] for above, below in pairwise(path.points))


def test_truths_stand_beside_the_head_they_are_compared_with() -> None:
    middles = {drawn.node.id: drawn.box.middle for drawn in layout(Graph.of(two_heads()), 500).nodes}
    near = abs(middles["data.gt.segmentation"] - middles["segmentation"])
    assert near < abs(middles["data.gt.segmentation"] - middles["classifier"])


def test_a_circle_and_edges_to_nowhere_are_drawn_all_the_same() -> None:
    nodes = (Node("a", "model", "", "a", "a"), Node("b", "head", "", "b", "b"))
    drawing = layout(
        Graph(nodes, (Edge("a", "b", "k", ""), Edge("b", "a", "k", ""), Edge("a", "c", "k", ""))), 300
    )
    assert len(drawing.nodes) == 2
    assert layout(Graph(), 300).high == 0


def test_svg_is_xml_and_what_looks_like_markup_stays_text() -> None:
    nasty = Node("a", "head", "", '<script>alert("x")</script>', "<b>&amp")
    drawing = layout(Graph((nasty,)), 300)
    root = ET.fromstring(svg(drawing))  # noqa: S314 our own
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "rect", "text", "title", "path"}
    assert any("<b>&amp" in (element.text or "") for element in root.iter())
