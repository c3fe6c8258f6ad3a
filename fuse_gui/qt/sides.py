"""Two parts of a panel: side by side in a wide dock, one below the other in a narrow one."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter, QVBoxLayout, QWidget

WIDE = 820
"""Pixels from which the parts stand side by side."""


class Sides(QSplitter):
    """Turns with its width; the handle between the parts can be dragged."""

    def __init__(self, first: QWidget, second: QWidget, main: int) -> None:
        """Take the parts; `main` is the position of the one that takes what room there is."""
        super().__init__(Qt.Orientation.Vertical)
        self.setObjectName("fuse-sides")
        for part in (first, second):
            self.addWidget(part)
        self.setStretchFactor(main, 1)
        self.setStretchFactor(1 - main, 0)
        self.setChildrenCollapsible(False)

    def resizeEvent(self, event: Any) -> None:
        """Turn where the width asks for it."""
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if self.width() >= WIDE else Qt.Orientation.Vertical
        if wanted != self.orientation():
            self.setOrientation(wanted)


def stack(*parts: Any, grows: QWidget | None = None) -> QWidget:
    """Return widgets and layouts one below the other; `grows` takes what room there is, else the end stays empty."""
    pile = QWidget()
    column = QVBoxLayout(pile)
    column.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part, 1 if part is grows else 0)
        else:
            column.addLayout(part)
    if grows is None:
        column.addStretch(1)
    return pile
