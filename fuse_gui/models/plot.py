"""Plots as plain descriptions, thinned and clicked; `painter` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

LIMIT = 4_000
"""Points of one line above which it is thinned: two for each pixel of a wide window."""


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
class Bars:
    """Counts side by side."""

    counts: NDArray[np.int64]
    """(bar,)."""
    edges: NDArray[np.float64]
    """(bar + 1,): where each bar begins, and the end of the last one."""
    labels: tuple[str, ...] = ()
    """What stands below each bar; a scale where empty."""
    ids: tuple[str, ...] = ()
    """What a click on each bar stands for."""


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
    bars: Bars | None = None
    log: bool = False
    whole: bool = False
    """Whether x counts something, so that its ticks are whole numbers."""
    legend: str = "upper right"
    """The corner where the names of the lines hide the least."""
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


def hit(figure: Figure, canvas: Canvas, x: float, y: float, reach: float = 12.0) -> Hit | None:
    """Return the point with an id nearest to a pixel (from the lower left), or None beyond `reach` pixels.

    The id of a table's cell is the names of its row and its column, on two lines.
    """
    found: list[Hit] = []
    for axes, target in zip(figure.axes, canvas.axes, strict=True):
        for line in axes.lines:
            if line.ids:
                found += _nearest(line, target.transData.transform(np.column_stack([line.x, line.y])), x, y)
        if axes.bars is not None:
            found += _bar(axes.bars, *target.transData.inverted().transform((x, y)))
        if axes.table is not None:
            found += _cell(axes.table, *np.rint(target.transData.inverted().transform((x, y))).astype(int))
    best = min(found, key=lambda one: one.distance, default=None)
    return best if best is not None and best.distance <= reach else None


def _cell(table: Table, column: int, row: int) -> Sequence[Hit]:
    inside = 0 <= row < len(table.rows) and 0 <= column < len(table.columns)
    return (Hit(f"{table.rows[row]}\n{table.columns[column]}", 0.0),) if inside else ()


def _bar(bars: Bars, x: float, _y: float) -> Sequence[Hit]:
    index = int(np.searchsorted(bars.edges, x, side="right")) - 1
    return (Hit(bars.ids[index], 0.0),) if 0 <= index < len(bars.ids) else ()


def _nearest(line: Line, pixels: NDArray[Any], x: float, y: float) -> Sequence[Hit]:
    distances = np.hypot(pixels[:, 0] - x, pixels[:, 1] - y)
    if not np.isfinite(distances).any():
        return ()
    index = int(np.nanargmin(distances))
    return (Hit(line.ids[index], float(distances[index])),)
