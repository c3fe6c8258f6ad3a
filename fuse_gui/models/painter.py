"""Paints plots on a matplotlib figure; what only grew is moved and not built again, so no window waits."""

from __future__ import annotations

import io
import threading
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas

from fuse_gui.models.plot import Axes, Bars, Figure, Line, Table, thin

LETTER = 7
"""Pixels that a letter below a bar takes."""
COLOURS = ("#4c9be8", "#f2a03d", "#5fbf77", "#e4637c", "#a887e0", "#8c8c8c", "#39b5b2", "#c9b458")
FULL = "#3a7fc4"
"""Colour of a cell that holds all of its row."""
DARK = {"figure": "#262930", "axes": "#1f2127", "text": "#d6d6d6", "grid": "#3c404a"}
LIGHT = {"figure": "#ffffff", "axes": "#ffffff", "text": "#222222", "grid": "#dddddd"}
"""Colours of the frame; dark is napari's background."""
LOOKS: dict[str, dict[str, Any]] = {
    "line": {"linewidth": 1.6},
    "dots": {"linestyle": "", "marker": "o", "markersize": 4},
    "both": {"linewidth": 1.6, "marker": "o", "markersize": 3.5},
}

_PAINTING = threading.Lock()
"""Notebooks paint from several threads, and matplotlib's caches are for one."""


class Painter:
    """Keeps a matplotlib figure equal to a description."""

    def __init__(self, canvas: Canvas) -> None:
        """Take the figure, which must have a canvas of a backend."""
        self._canvas = canvas
        self._plan: object = None
        self._lines: list[list[Any]] = []
        self._shown: list[tuple[Any, ...]] = []

    def paint(self, figure: Figure, dark: bool = True, stacked: bool = False) -> bool:
        """Bring the figure up to the description; return whether anything changed."""
        plan = (dark, stacked, *self._canvas.get_size_inches(), *map(_plan, figure.axes))
        data = [_data(axes) for axes in figure.axes]
        if plan != self._plan:
            self._build(figure, DARK if dark else LIGHT, stacked)
        elif all(map(_same, data, self._shown)):
            return False
        else:
            for axes, target, lines in zip(figure.axes, self._canvas.axes, self._lines, strict=True):
                _move(axes, target, lines)
        self._plan, self._shown = plan, data
        return True

    def _build(self, figure: Figure, theme: dict[str, str], stacked: bool) -> None:
        self._canvas.clear()
        self._canvas.set_facecolor(theme["figure"])
        self._lines = []
        rows, columns = (len(figure.axes), 1) if stacked else (1, len(figure.axes))
        if figure.axes:
            places = self._canvas.add_gridspec(rows, columns, **_margins(self._canvas, rows, columns))
            for axes, place in zip(figure.axes, places, strict=True):
                self._lines.append(_build_axes(axes, self._canvas.add_subplot(place), theme))


def png(figure: Figure, width: int, height: int, dark: bool = False, stacked: bool = False) -> bytes:
    """Return the plot as a PNG picture of that many pixels."""
    file = io.BytesIO()
    with _PAINTING:
        canvas = Canvas(figsize=(width / 100, height / 100), dpi=100)
        FigureCanvasAgg(canvas)
        Painter(canvas).paint(figure, dark, stacked)
        canvas.savefig(file, format="png", facecolor=canvas.get_facecolor())
    return file.getvalue()


def _drawn(axes: Axes) -> list[Line]:
    return [line for line in axes.lines if len(line.x)]


def _marks(axes: Axes) -> tuple[tuple[float, str], ...]:
    """Return the marks that are drawn: none where there are no lines to mark."""
    return axes.marks if _drawn(axes) else ()


def _plan(axes: Axes) -> tuple[object, ...]:
    """Return what can only be changed by building anew."""
    lines = tuple((line.label, line.style, line.colour, line.faint) for line in _drawn(axes))
    words = tuple(word for _, word in _marks(axes))
    table = axes.table and (axes.table.counts.tobytes(), axes.table.rows, axes.table.columns)
    bars = axes.bars and (axes.bars.counts.tobytes(), axes.bars.edges.tobytes(), axes.bars.labels)
    frame = (axes.title, axes.xlabel, axes.ylabel, axes.log, axes.whole, axes.legend)
    return (*frame, lines, words, table, bars, "" if lines else axes.note)


def _data(axes: Axes) -> tuple[Any, ...]:
    return (*(part for line in _drawn(axes) for part in (line.x, line.y)), *(x for x, _ in _marks(axes)))


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
    )


def _move(axes: Axes, target: Any, lines: list[Any]) -> None:
    drawn = _drawn(axes)
    for line, artist in zip(drawn, lines, strict=False):
        artist.set_data(*thin(line.x, line.y))
    for (x, _), artist in zip(_marks(axes), lines[len(drawn) :], strict=True):
        artist.set_xdata([x, x])
    target.relim()
    target.autoscale_view()


def _margins(canvas: Canvas, rows: int, columns: int) -> dict[str, float]:
    """Return where the plots stand; matplotlib's own layouts take as long as the drawing."""
    width, height = np.maximum(canvas.get_size_inches() * 100, 1.0)
    left, right, top, bottom = 52.0, 12.0, 24.0, 38.0
    across = max((width - left - right - (columns - 1) * (left + right)) / columns, 20.0)
    down = max((height - top - bottom - (rows - 1) * (top + bottom)) / rows, 20.0)
    return {
        "left": min(left / width, 0.4), "right": max(1 - right / width, 0.6), "wspace": (left + right) / across,
        "bottom": min(bottom / height, 0.4), "top": max(1 - top / height, 0.6), "hspace": (top + bottom) / down,
    }  # fmt: skip


def _build_axes(axes: Axes, target: Any, theme: dict[str, str]) -> list[Any]:
    """Draw everything once; return the artists of the lines and then of the marks."""
    target.set_facecolor(theme["axes"])
    target.set_title(axes.title, fontsize=9, color=theme["text"])
    target.set_xlabel(axes.xlabel, fontsize=8, color=theme["text"])
    target.set_ylabel(axes.ylabel, fontsize=8, color=theme["text"])
    target.tick_params(labelsize=7, colors=theme["text"])
    for spine in target.spines.values():
        spine.set_color(theme["grid"])
    drawn = _drawn(axes)
    if axes.table is not None:
        _build_table(axes.table, target, theme)
    elif axes.bars is not None:
        _build_bars(axes.bars, target, theme)
    elif drawn:
        return _build_lines(axes, drawn, target, theme)
    else:
        target.set_axis_off()
        place = {"transform": target.transAxes, "ha": "center", "va": "center"}
        target.text(0.5, 0.5, axes.note, color=theme["text"], fontsize=9, **place)
    return []


def _build_lines(axes: Axes, drawn: list[Line], target: Any, theme: dict[str, str]) -> list[Any]:
    target.grid(True, color=theme["grid"], linewidth=0.6)
    target.set_axisbelow(True)
    if axes.log:
        target.set_yscale("log")
    if axes.whole:
        target.xaxis.get_major_locator().set_params(integer=True)
    artists = [
        _build_line(line, line.colour or COLOURS[number % len(COLOURS)], target)
        for number, line in enumerate(drawn)
    ]
    artists += [
        target.axvline(x, color=theme["text"], linewidth=0.9, linestyle=":", label=word) for x, word in axes.marks
    ]
    if any(line.label for line in drawn) or axes.marks:
        legend = target.legend(
            loc=axes.legend, ncols=2 if len(artists) > 4 else 1, fontsize=7, facecolor=theme["axes"],
            edgecolor=theme["grid"], labelcolor=theme["text"], framealpha=0.8,
        )  # fmt: skip
        legend.set_zorder(3)
    return artists


def _build_line(line: Line, colour: str, target: Any) -> Any:
    look = LOOKS[line.style] | ({"linewidth": 0.8, "alpha": 0.45} if line.faint else {})
    return target.plot(*thin(line.x, line.y), color=colour, label=line.label or "_", **look)[0]


def _build_bars(bars: Bars, target: Any, theme: dict[str, str]) -> None:
    target.grid(True, axis="y", color=theme["grid"], linewidth=0.6)
    target.set_axisbelow(True)
    gap = 0.86 if bars.labels else 0.96
    middles, widths = (bars.edges[1:] + bars.edges[:-1]) / 2, np.diff(bars.edges)
    target.bar(middles, bars.counts, widths * gap, color=COLOURS[0])
    target.yaxis.get_major_locator().set_params(integer=True)
    if bars.labels:
        room = max(int(target.bbox.width / len(bars.labels) / LETTER), 2)
        target.set_xticks(middles, [_short(label, room) for label in bars.labels], fontsize=7)


def _short(label: str, limit: int) -> str:
    return label if len(label) <= limit else f"{label[: limit - 1]}…"


def _build_table(table: Table, target: Any, theme: dict[str, str]) -> None:
    shares = table.counts / np.maximum(table.counts.sum(1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("counts", [theme["axes"], FULL])
    target.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    target.set_xticks(range(len(table.columns)), table.columns, fontsize=7)
    target.set_yticks(range(len(table.rows)), table.rows, fontsize=7, rotation=90, va="center")
    for row, column in np.ndindex(table.counts.shape):
        number, place = str(table.counts[row, column]), {"ha": "center", "va": "center"}
        target.text(column, row, number, color=theme["text"], weight="bold", **place)
