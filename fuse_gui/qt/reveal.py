"""The way to a widget that is out of sight."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

MARGIN = 120
"""Pixels that stay visible above and below what is scrolled to."""
SETTLED = 1000
"""Milliseconds for which what was opened is scrolled to again when it gets its height."""


class Folding(QFrame):  # type: ignore[misc]
    """A part that can be folded away, and is unfolded when something in it is to be seen."""

    def unfold(self, shown: bool = True) -> None:
        """Show or hide what is inside."""
        raise NotImplementedError


class InSight(QObject):  # type: ignore[misc]
    """Scrolls to a widget now, and while it is laid out; ends with the widget, or when a person scrolls."""

    def __init__(self, widget: QWidget, area: QScrollArea, around: QWidget | None = None, margin: int = 0) -> None:
        """Take the area and, of what the widget stands in, the part of which as much as fits is shown too."""
        super().__init__(widget)
        self._area, self._parts = area, [(part, room) for part, room in ((around, 0), (widget, margin)) if part]
        area.verticalScrollBar().rangeChanged.connect(self._scroll)
        area.verticalScrollBar().actionTriggered.connect(self._end)
        QTimer.singleShot(SETTLED, self._end)
        self._scroll()

    def _scroll(self) -> None:
        for part, room in self._parts:
            self._area.ensureWidgetVisible(part, 0, room)

    def _end(self) -> None:
        self._parts = []
        self.deleteLater()


def reveal(widget: QWidget) -> None:
    """Open what hides a widget, scroll to it, with as much of what it stands in as there is room, and focus it."""
    parents = list(_parents(widget))
    around = [parent for parent in parents if isinstance(parent, Folding)]
    for folding in around:
        folding.unfold()
    for area in parents:
        if isinstance(area, QScrollArea):
            InSight(widget, area, next(iter(around), None), MARGIN)
    widget.setFocus()


def _parents(widget: QWidget) -> Iterator[QWidget]:
    while (parent := widget.parentWidget()) is not None:
        yield parent
        widget = parent
