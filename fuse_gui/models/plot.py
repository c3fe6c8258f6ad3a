"""Plots as plain descriptions, and how they are painted on a matplotlib figure; no toolkit, no window."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

LIMIT = 4_000
"""Points of one line above which it is thinned: two for each pixel of a wide window."""
COLOURS = ("#4c9be8", "#f2a03d", "#5fbf77", "#e4637c", "#a887e0", "#8c8c8c", "#39b5b2", "#c9b458")
FULL = "#3a7fc4"
"""Colour of a cell that holds all of its row."""
DARK = {"figure": "#262930", "axes": "#1f2127", "text": "#d6d6d6", "grid": "#3c404a"}
LIGHT = {"figure": "#ffffff", "axes": "#ffffff", "text": "#222222", "grid": "#dddddd"}
"""Colours of the frame; dark is napari's background."""

_PAINTING = threading.Lock()
"""Notebooks paint from several threads, and matplotlib's caches are for one."""


@dataclass(frozen=True, eq=False)
class Line:
    """Points that belong together, joined or not."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    label: str = ""
    style: Literal["line", "dots", "both"] = "line"
    colour: str = ""
    faint: bool = False
    ids: tuple[str, ...] = ()
    """What a click on each point stands for."""


@dataclass(frozen=True, eq=False)
class Table:
    """A grid of counts with a name at each row and column."""

    counts: NDArray[np.int64]
    """(row, column)."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Axes:
    """One plot."""

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    lines: tuple[Line, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    """Vertical lines, each with its word."""
    table: Table | None = None
    log: bool = False
    whole: bool = False
    """Whether x counts something, so that its ticks are whole numbers."""
    note: str = ""
    """What stands there while nothing can be drawn."""


@dataclass(frozen=True, eq=False)
class Figure:
    """Plots side by side, or one below the other."""

    axes: tuple[Axes, ...]


@dataclass(frozen=True)
class Hit:
    """A point near to a click."""

    id: str
    distance: float
    """Pixels."""


def thin(x: NDArray[Any], y: NDArray[Any], limit: int = LIMIT) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return at most about `limit` points that keep the lowest and the highest of every stretch."""
    if len(x) <= limit:
        return x, y
    size = -(-len(x) // (limit // 2))
    padded = np.full(-(-len(x) // size) * size, np.nan)
    padded[: len(y)] = np.where(np.isfinite(y), y, np.nan)
    stretches = padded.reshape(-1, size)
    low = np.where(np.isnan(stretches), np.inf, stretches).argmin(1)
    high = np.where(np.isnan(stretches), -np.inf, stretches).argmax(1)
    kept = np.unique(np.arange(len(stretches)) * size + np.stack([low, high]))
    return x[kept], y[kept]


def paint(figure: Figure, canvas: Canvas, dark: bool = True, stacked: bool = False) -> None:
    """Draw the description on a matplotlib figure, in place of what was there."""
    theme = DARK if dark else LIGHT
    canvas.clear()
    canvas.set_facecolor(theme["figure"])
    rows, columns = (len(figure.axes), 1) if stacked else (1, len(figure.axes))
    if figure.axes:
        places = canvas.add_gridspec(rows, columns, **_margins(canvas, rows, columns))
        for axes, place in zip(figure.axes, places, strict=True):
            _paint_axes(axes, canvas.add_subplot(place), theme)


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


def _paint_axes(axes: Axes, target: Any, theme: dict[str, str]) -> None:
    target.set_facecolor(theme["axes"])
    target.set_title(axes.title, fontsize=9, color=theme["text"])
    target.set_xlabel(axes.xlabel, fontsize=8, color=theme["text"])
    target.set_ylabel(axes.ylabel, fontsize=8, color=theme["text"])
    target.tick_params(labelsize=7, colors=theme["text"])
    for spine in target.spines.values():
        spine.set_color(theme["grid"])
    if axes.table is not None:
        _paint_table(axes.table, target, theme)
        return
    drawn = [line for line in axes.lines if len(line.x)]
    if not drawn:
        target.set_axis_off()
        target.text(0.5, 0.5, axes.note, transform=target.transAxes, ha="center", va="center", **_note(theme))
        return
    target.grid(True, color=theme["grid"], linewidth=0.6)
    target.set_axisbelow(True)
    if axes.log:
        target.set_yscale("log")
    if axes.whole:
        target.xaxis.get_major_locator().set_params(integer=True)
    for number, line in enumerate(drawn):
        _paint_line(line, line.colour or COLOURS[number % len(COLOURS)], target)
    for x, word in axes.marks:
        target.axvline(x, color=theme["text"], linewidth=0.9, linestyle=":", label=word)
    if any(line.label for line in drawn) or axes.marks:
        columns = 2 if len(drawn) + len(axes.marks) > 4 else 1
        legend = target.legend(
            loc=_free_place(drawn),
            fontsize=7,
            ncols=columns,
            facecolor=theme["axes"],
            edgecolor=theme["grid"],
            framealpha=0.8,
        )
        for text in legend.get_texts():
            text.set_color(theme["text"])


def _free_place(lines: Sequence[Line]) -> str:
    # matplotlib's search for the best place looks at every point
    return "best" if sum(len(line.x) for line in lines) < LIMIT else "upper right"


def _note(theme: dict[str, str]) -> dict[str, Any]:
    return {"color": theme["text"], "fontsize": 9}


def _paint_line(line: Line, colour: str, target: Any) -> None:
    x, y = thin(line.x, line.y)
    looks: dict[str, dict[str, Any]] = {
        "line": {"linewidth": 0.8 if line.faint else 1.6},
        "dots": {"linestyle": "", "marker": "o", "markersize": 4},
        "both": {"linewidth": 1.6, "marker": "o", "markersize": 3.5},
    }
    target.plot(
        x, y, color=colour, alpha=0.45 if line.faint else 1.0, label=line.label or "_", **looks[line.style]
    )


def _paint_table(table: Table, target: Any, theme: dict[str, str]) -> None:
    shares = table.counts / np.maximum(table.counts.sum(1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("counts", [theme["axes"], FULL])
    target.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    target.set_xticks(range(len(table.columns)), table.columns, fontsize=7)
    target.set_yticks(range(len(table.rows)), table.rows, fontsize=7, rotation=90, va="center")
    for row, column in np.ndindex(table.counts.shape):
        target.text(
            column,
            row,
            str(table.counts[row, column]),
            ha="center",
            va="center",
            color=theme["text"],
            weight="bold",
        )


def png(figure: Figure, width: int, height: int, dark: bool = False, stacked: bool = False) -> bytes:
    """Return the plot as a PNG picture of that many pixels."""
    file = io.BytesIO()
    with _PAINTING:
        canvas = Canvas(figsize=(width / 100, height / 100), dpi=100)
        FigureCanvasAgg(canvas)
        paint(figure, canvas, dark, stacked)
        canvas.savefig(file, format="png", facecolor=canvas.get_facecolor())
    return file.getvalue()


def hit(figure: Figure, canvas: Canvas, x: float, y: float, reach: float = 12.0) -> Hit | None:
    """Return the point with an id nearest to a pixel (from the lower left), or None beyond `reach` pixels.

    The id of a table's cell is the names of its row and its column, on two lines.
    """
    found: list[Hit] = []
    for axes, target in zip(figure.axes, canvas.axes, strict=True):
        for line in axes.lines:
            if line.ids:
                found += _nearest(line, target.transData.transform(np.column_stack([line.x, line.y])), x, y)
        if axes.table is not None:
            found += _cell(axes.table, *np.rint(target.transData.inverted().transform((x, y))).astype(int))
    best = min(found, key=lambda one: one.distance, default=None)
    return best if best is not None and best.distance <= reach else None


def _cell(table: Table, column: int, row: int) -> Sequence[Hit]:
    inside = 0 <= row < len(table.rows) and 0 <= column < len(table.columns)
    return (Hit(f"{table.rows[row]}\n{table.columns[column]}", 0.0),) if inside else ()


def _nearest(line: Line, pixels: NDArray[Any], x: float, y: float) -> Sequence[Hit]:
    distances = np.hypot(pixels[:, 0] - x, pixels[:, 1] - y)
    if not np.isfinite(distances).any():
        return ()
    index = int(np.nanargmin(distances))
    return (Hit(line.ids[index], float(distances[index])),)
