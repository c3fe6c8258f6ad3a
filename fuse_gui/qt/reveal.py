"""The way to a widget that is out of sight."""

from __future__ import annotations

from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

MARGIN = 120
"""Pixels that stay visible above and below what is scrolled to."""


class Folding(QFrame):  # type: ignore[misc]
    """A part that can be folded away, and is unfolded when something in it is to be seen."""

    def unfold(self, shown: bool = True) -> None:
        """Show or hide what is inside."""
        raise NotImplementedError


def reveal(widget: QWidget) -> None:
    """Open what hides a widget, scroll to it and give it the focus."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, Folding):
            parent.unfold()
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget, 0, MARGIN)
        parent = parent.parentWidget()
    widget.setFocus()
