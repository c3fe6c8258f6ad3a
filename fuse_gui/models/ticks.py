"""Several samples that are ticked, where a table cannot be selected from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from psygnal import Signal

from fuse_gui.models.rows import Rows


class Ticks:
    """The samples that are ticked; one that is no longer seen loses its tick."""

    help, all_help = "Choose this sample, to leave several out at once", "Choose all samples of this page, or none"

    changed = Signal()

    def __init__(self, rows: Rows) -> None:
        """Follow the rows; nothing is ticked."""
        self._rows = rows
        self._ticked: dict[str, int] = {}
        rows.changed.connect(self._rows_changed)

    @property
    def ids(self) -> list[str]:
        """The samples that are ticked, in the order of the table."""
        return sorted(self._ticked, key=self._ticked.__getitem__)

    def has(self, sample_id: str) -> bool:
        """Say whether a sample is ticked."""
        return sample_id in self._ticked

    def tick(self, positions: Iterable[int], on: bool) -> None:
        """Tick the rows at some positions, or take their ticks away."""
        before = dict(self._ticked)
        for position in positions:
            if on:
                self._ticked[self._rows.id_at(position)] = int(self._rows.seen[position])
            else:
                self._ticked.pop(self._rows.id_at(position), None)
        self._tell(before)

    def clear(self) -> None:
        """Take all ticks away."""
        before, self._ticked = self._ticked, {}
        self._tell(before)

    def _rows_changed(self) -> None:
        if self._ticked:
            before = self._ticked
            seen = np.isin(list(before.values()), self._rows.seen)
            there = [name for name, shown in zip(before, seen, strict=True) if shown]
            self._ticked = {name: before[name] for name in there if self._rows.row(name) == before[name]}
            self._tell(before)

    def _tell(self, before: dict[str, int]) -> None:
        if before != self._ticked:
            self.changed.emit()
