"""Widgets one after the other in lines, as words are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, QRect, QSize
from qtpy.QtWidgets import QLayout, QWidget


class Flow(QLayout):  # type: ignore[misc]
    """Begins another line where the width is used up."""

    def __init__(self, gap: int = 4) -> None:
        """Take the pixels between widgets."""
        super().__init__()
        self._items: list[Any] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: Any) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> Any:
        """Return an item, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> Any:
        """Remove an item and return it, or None."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Say that a narrow place makes it higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines."""
        return self._arrange(QRect(0, 0, width, 0), place=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._arrange(rect, place=True)

    def sizeHint(self) -> QSize:
        """Return what it needs at least."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """Return the size of the largest item."""
        sizes = [item.minimumSize() for item in self._items if not item.isEmpty()]
        return QSize(max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))

    def _arrange(self, rect: QRect, place: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            if item.isEmpty():  # hidden
                continue
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self._gap, 0
            if place:
                item.setGeometry(QRect(x, y, size.width(), size.height()))
            x += size.width() + self._gap
            line = max(line, size.height())
        return int(y + line - rect.y())


class FlowBox(QWidget):  # type: ignore[misc]
    """Widgets in lines, always as high as its lines: a panel that asks for the least height hears of them all."""

    def __init__(self, widgets: Sequence[QWidget], gap: int = 4) -> None:
        """Take the widgets, and the pixels between them."""
        super().__init__()
        self._flow = Flow(gap)
        self.setLayout(self._flow)
        for widget in widgets:
            self._flow.addWidget(widget)

    def resizeEvent(self, event: Any) -> None:
        """Make as many lines as the width asks for."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: Any) -> bool:
        """Make other lines where a widget came, went or grew."""
        handled = bool(super().event(event))
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        height = self._flow.heightForWidth(self.width())
        if height != self.minimumHeight():
            self.setFixedHeight(height)
