"""The rows that are seen, a page at a time, for places that cannot scroll through a million."""

from __future__ import annotations

from psygnal import Signal

from fuse_gui.models.rows import Rows

SIZE = 50
"""Rows of a page."""


class Pages:
    """The page that is shown; it follows the sample that is looked at."""

    previous_label, next_label = "◀", "▶"

    changed = Signal()
    """Other rows are on the page, or some of their cells are others."""

    def __init__(self, rows: Rows, size: int = SIZE) -> None:
        """Follow the rows; `size` of them make a page."""
        self._rows, self._size = rows, size
        self._page = 0
        rows.changed.connect(self._rows_changed)
        rows.repainted.connect(self.changed.emit)

    @property
    def page(self) -> int:
        """Number of the page, from 0."""
        return self._page

    @property
    def count(self) -> int:
        """Number of pages, at least one."""
        return max(-(-len(self._rows) // self._size), 1)

    @property
    def positions(self) -> range:
        """Positions of the rows on the page."""
        start = self._page * self._size
        return range(start, min(start + self._size, len(self._rows)))

    @property
    def words(self) -> str:
        """Which rows are on the page."""
        if not len(self._rows):
            return "no rows"
        return f"{self.positions.start + 1:,} to {self.positions.stop:,} of {len(self._rows):,}"

    def turn(self, pages: int) -> None:
        """Go that many pages further."""
        self._go(self._page + pages)

    def show(self, sample_id: str) -> None:
        """Go to the page that a sample stands on, where it is seen."""
        position = self._rows.position(sample_id) if sample_id else None
        if position is not None:
            self._go(position // self._size)

    def _go(self, page: int) -> None:
        page = min(max(page, 0), self.count - 1)
        if page != self._page:
            self._page = page
            self.changed.emit()

    def _rows_changed(self) -> None:
        self._page = min(self._page, self.count - 1)
        self.changed.emit()
