"""The colours of the drawing of a model, the same in the viewer and in the notebook."""

from __future__ import annotations

import html

from fuse_gui.models.graph_layout import LABEL_HIGH, Box, Drawn, Layout, Path

COLOURS = {
    "input": "#4aa3ff", "truth": "#2ea866", "backbone": "#a37bf0", "network": "#a37bf0", "model": "#a37bf0",
    "head": "#e08a1e", "loss": "#d6558f", "metric": "#20a5a5",
}  # fmt: skip
WRONG = "#e5484d"
FILL = 0.16
"""Opacity of the inside of a part, so that it is readable on a dark and on a light ground."""
LATE = 0.45
"""Opacity of a drawing that is out of date."""
ROUND = 5
FONT, SMALL, LINE_HIGH = 11, 10, 14
"""Pixels of the letters of names, of all others, and of a line."""
Point = tuple[float, float]
Piece = tuple[Point, Point, Point, Point]
_TEXT, _FAINT = "var(--jp-ui-font-color1, #1b1e23)", "var(--jp-ui-font-color2, #5a6068)"
_GROUND = "var(--jp-layout-color1, #ffffff)"


def colour(drawn: Drawn) -> str:
    """Return the colour of a part's outline."""
    return WRONG if drawn.node.problem else COLOURS.get(drawn.node.kind, "#8b929c")


def curve(path: Path) -> list[Piece]:
    """Return the Bezier pieces of an edge, each as start, two handles, end; straight where it passes a row."""
    pieces: list[Piece] = []
    for (x0, y0), (x1, y1) in zip(path.points, path.points[1:], strict=False):
        bend = (y1 - y0) / 2 if x0 != x1 else 0.0
        pieces.append(((x0, y0), (x0, y0 + bend), (x1, y1 - bend), (x1, y1)))
    return pieces


def line_top(drawn: Drawn, line: int) -> float:
    """Return the y of the top of a line of text in a part; all lines together stand in its middle."""
    return drawn.box.y + (drawn.box.high - LINE_HIGH * len(drawn.lines)) / 2 + LINE_HIGH * line


def svg(layout: Layout, chosen: str = "", late: bool = False) -> str:
    """Return the drawing as SVG; every text of it is escaped."""
    inside = [*map(_edge, layout.paths), *(_node(drawn, drawn.node.id == chosen) for drawn in layout.nodes)]
    inside += [_label(path.label, path) for path in layout.paths if path.label is not None]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.wide:.0f} {layout.high:.0f}" '
        f'width="{layout.wide:.0f}" height="{layout.high:.0f}" '
        f'style="max-width: 100%; opacity: {LATE if late else 1}" '
        f'font-family="sans-serif" font-size="{FONT}">{"".join(inside)}</svg>'
    )


def _edge(path: Path) -> str:
    ink, wide = (WRONG, 2) if path.edge.problem else (_FAINT, 1)
    steps = "".join(
        f"C{a[0]:.1f} {a[1]:.1f} {b[0]:.1f} {b[1]:.1f} {end[0]:.1f} {end[1]:.1f}" for _, a, b, end in curve(path)
    )
    x, y = path.points[0]
    told = html.escape("\n".join(filter(None, (path.edge.key, path.edge.text, path.edge.problem))))
    return (
        f'<path d="M{x:.1f} {y:.1f}{steps}" fill="none" style="stroke: {ink}" stroke-width="{wide}">'
        f"<title>{told}</title></path>"
    )


def _label(box: Box, path: Path) -> str:
    ink = WRONG if path.edge.problem else _FAINT
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.wide:.1f}" height="{LABEL_HIGH}" '
        f'style="fill: {_GROUND}"/>'
        f'<text x="{box.middle:.1f}" y="{box.y + 10:.1f}" text-anchor="middle" font-size="{SMALL}" '
        f'style="fill: {ink}">{html.escape(path.edge.text)}</text>'
    )


def _node(drawn: Drawn, chosen: bool) -> str:
    box, ink = drawn.box, colour(drawn)
    texts = "".join(
        f'<text x="{box.middle:.1f}" y="{line_top(drawn, line) + 11:.1f}" text-anchor="middle" '
        f'font-size="{SMALL if line else FONT}" font-weight="{"normal" if line else "bold"}" '
        f'style="fill: {_FAINT if line else _TEXT}">{html.escape(text)}</text>'
        for line, text in enumerate(drawn.lines)
    )
    wide = 2.5 if chosen or drawn.node.problem else 1.2
    frame = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.wide:.1f}" height="{box.high:.1f}" rx="{ROUND}"'
    return (
        f"<g><title>{html.escape(drawn.node.help)}</title>"
        f'<rect {frame} style="fill: {_GROUND}"/>'
        f'<rect {frame} fill="{ink}" fill-opacity="{FILL}" stroke="{ink}" stroke-width="{wide}"/>{texts}</g>'
    )
