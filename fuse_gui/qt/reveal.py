"""The way to a widget that is out of sight."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

MARGIN = 120
"""Pixels that stay visible above and below what is scrolled to."""


class Folding(QFrame):  # type: ignore[misc]
    """A part that can be folded away, and is unfolded when something in it is to be seen."""

    def unfold(self, shown: bool = True) -> None:
        """Show or hide what is inside."""
        raise NotImplementedError


def reveal(widget: QWidget) -> None:
    """Open what hides a widget, scroll to it, with as much of what it stands in as there is room, and focus it."""
    parents = list(_parents(widget))
    around = [parent for parent in parents if isinstance(parent, Folding)]
    for folding in around:
        folding.unfold()
    # what was just opened has its place only after it is laid out
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    for area in parents:
        if isinstance(area, QScrollArea):
            for part in (*around[:1], widget):
                area.ensureWidgetVisible(part, 0, MARGIN if part is widget else 0)
    widget.setFocus()


def _parents(widget: QWidget) -> Iterator[QWidget]:
    while (parent := widget.parentWidget()) is not None:
        yield parent
        widget = parent
