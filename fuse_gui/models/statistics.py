"""What stands in one column of the rows that are seen: figures, groups and a small plot, all of them filters."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from fuse_gui.models.columns import Column
from fuse_gui.models.filter import quoted, with_condition
from fuse_gui.models.plot import Axes, Bars, Figure
from fuse_gui.models.rows import Rows

BARS = 12
"""Values up to which each has a bar of its own."""
BINS = 20
"""Bars of a histogram."""
GROUPS = 200
"""Groups that are listed, the largest first."""


@dataclass(frozen=True)
class Group:
    """Rows with the same text in a column."""

    text: str
    count: int
    share: float
    """Of the rows that are seen, from 0 to 1."""
    condition: str
    """The filter that keeps these rows."""

    @property
    def label(self) -> str:
        """The text as it is listed."""
        return self.text or "(empty)"

    @property
    def line(self) -> str:
        """The group on one line."""
        return f"{self.label}   {self.count:,}   {self.share:.1%}"


@dataclass(frozen=True, eq=False)
class Statistics:
    """Figures of one column over the rows that are seen."""

    name: str
    count: int
    missing: int
    unique: int
    numbers: tuple[tuple[str, float], ...]
    """Smallest, median, mean, standard deviation and largest value where all texts are numbers."""
    groups: tuple[Group, ...]
    """The largest first, at most `GROUPS`."""
    bars: Bars | None

    @property
    def words(self) -> str:
        """The figures in words."""
        parts = [f"{self.count:,} rows", f"{self.missing:,} empty" if self.missing else "none empty"]
        lines = [", ".join([*parts, f"{self.unique:,} different value{'' if self.unique == 1 else 's'}"])]
        if self.numbers:
            lines.append(",  ".join(f"{name} {value:.4g}" for name, value in self.numbers))
        return "\n".join(lines)


def statistics(name: str, column: Column, rows: NDArray[np.int64]) -> Statistics:
    """Return the figures of a column over some rows."""
    counts = column.counts(rows)
    ordered = column.listed
    present = ordered[(counts[ordered] > 0) & ~column.empty[ordered]]
    missing = len(rows) - int(counts[present].sum())
    largest = _largest(counts[present], present)
    groups = [_group(name, column.texts[int(code)].as_py(), int(counts[code]), len(rows)) for code in largest]
    if missing:
        groups.append(_group(name, "", missing, len(rows)))
    numbers = _numbers(column.numbers[present], counts[present]) if column.is_number and len(present) else ()
    many = column.is_number and len(present) > BARS
    bars = _histogram(name, column, present, counts) if many else _bars(name, column, largest[:BARS], counts)
    by_size = tuple(sorted(groups, key=lambda group: -group.count))
    return Statistics(name, len(rows), missing, len(present), numbers, by_size, bars if len(present) else None)


class StatisticsModel:
    """The chosen column of the rows that are seen; a click on a group or a bar is a filter."""

    title = "Columns"
    headings = ("Value", "Rows", "Share")
    column_label, column_help = "Column", "Show what stands in a column of the rows that are seen"
    click_hint = "Click a bar or a group to see these rows only; click it again to see all."

    changed = Signal()

    def __init__(self, rows: Rows) -> None:
        """Follow the rows; nothing is counted until somebody looks."""
        self.rows = rows
        self.column = ""
        self._chosen = False
        self._active = False
        self._made: Statistics | None = None
        rows.changed.connect(self._rows_changed)
        rows.repainted.connect(self._rows_changed)

    @property
    def columns(self) -> list[str]:
        """The columns there are."""
        return self.rows.columns

    def choose(self, column: str) -> None:
        """Look at another column."""
        if column in self.rows.by_name and column != self.column:
            self.column, self._chosen = column, True
            self._rows_changed()

    def set_active(self, active: bool) -> None:
        """Say whether anybody looks."""
        if active != self._active:
            self._active = active
            self._rows_changed()

    def toggle(self, condition: str) -> str:
        """Return the filter that asks for a condition too, or no more where it was asked for last."""
        return with_condition(self.rows.filter, condition)

    @property
    def words(self) -> str:
        """The figures of the column."""
        return self._made.words if self._made else ""

    @property
    def groups(self) -> tuple[Group, ...]:
        """The values of the column, the most frequent first."""
        return self._made.groups if self._made else ()

    def figure(self) -> Figure:
        """Return how often the values stand in the column."""
        if self._made is None or self._made.bars is None:
            return Figure((Axes(note="nothing to count"),))
        return Figure((Axes(xlabel=self.column, bars=self._made.bars),))

    def _rows_changed(self) -> None:
        names = self.rows.by_name
        if not self._chosen or self.column not in names:
            few = (name for name, column in names.items() if 1 < len(column.texts) <= BARS)
            self.column, self._chosen = next(few, next(iter(names), "")), False
        looked = self._active and self.column in names
        self._made = statistics(self.column, names[self.column], self.rows.seen) if looked else None
        self.changed.emit()


def _largest(counts: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the codes with the largest counts, at most `GROUPS`, the largest first."""
    if len(counts) > GROUPS:
        limit = np.partition(counts, -GROUPS)[-GROUPS]
        found = np.flatnonzero(counts > limit)
        equal = np.flatnonzero(counts == limit)[: GROUPS - len(found)]
        kept = np.sort(np.concatenate([found, equal]))
        counts, codes = counts[kept], codes[kept]
    return codes[np.argsort(-counts, kind="stable")]


def _group(name: str, text: str, count: int, total: int) -> Group:
    condition = f"{quoted(name)}=={quoted(text)}" if text else f"!has:{quoted(name)}"
    return Group(text, count, count / max(total, 1), condition)


def _numbers(values: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[tuple[str, float], ...]:
    """Return the figures of values in ascending order."""
    total, ends = int(counts.sum()), np.cumsum(counts)
    low, high = (values[np.searchsorted(ends, place, side="right")] for place in ((total - 1) // 2, total // 2))
    mean = float(np.average(values, weights=counts))
    spread = float(np.average((values - mean) ** 2, weights=counts))
    deviation = float(np.sqrt(spread * total / (total - 1))) if total > 1 else 0.0
    figures = float(values[0]), float(low + high) / 2, mean, deviation, float(values[-1])
    return tuple(zip(("min", "median", "mean", "std", "max"), figures, strict=True))


def _histogram(name: str, column: Column, present: NDArray[np.int64], counts: NDArray[np.int64]) -> Bars:
    values = column.numbers[present]
    tall, edges = np.histogram(values, BINS, weights=counts[present])
    shown = quoted(name)
    ids = [f"{shown}>={low:.6g} & {shown}<{high:.6g}" for low, high in itertools.pairwise(edges[:-1])]
    ids.append(f"{shown}>={edges[-2]:.6g}")
    return Bars(tall.astype(np.int64), edges, ids=tuple(ids))


def _bars(name: str, column: Column, codes: NDArray[np.int64], counts: NDArray[np.int64]) -> Bars:
    shown = codes[np.argsort(column.numbers[codes], kind="stable")] if column.is_number else codes
    texts = [column.texts[int(code)].as_py() for code in shown]
    ids = tuple(_group(name, text, 0, 0).condition for text in texts)
    edges: NDArray[np.float64] = np.arange(len(shown) + 1, dtype=np.float64) - 0.5
    return Bars(counts[shown], edges, tuple(texts), ids)
