"""Two parts of a panel: side by side in a wide dock, one below the other in a narrow one."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter, QVBoxLayout, QWidget

COLUMNS = "font-family: monospace;"
"""Style of a text whose columns stand below each other."""
WIDE = 820
"""Pixels from which the parts stand side by side."""


class Sides(QSplitter):  # type: ignore[misc]
    """Turns with its width; the handle between the parts can be dragged."""

    def __init__(
        self, first: QWidget, second: QWidget, grows: tuple[int, int], wide: tuple[int, int], turn: int = WIDE
    ) -> None:
        """Take the parts, how much of the room that is left each takes, and their shares from `turn` pixels on."""
        super().__init__(Qt.Orientation.Vertical)
        self.setObjectName("fuse-sides")
        for part in (first, second):
            self.addWidget(part)
        for index, share in enumerate(grows):
            self.setStretchFactor(index, share)
        self._wide, self._turn = wide, turn
        self.setChildrenCollapsible(False)
        self.setHandleWidth(9)

    def resizeEvent(self, event: Any) -> None:
        """Turn where the width asks for it."""
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if self.width() >= self._turn else Qt.Orientation.Vertical
        if wanted != self.orientation():
            self.setOrientation(wanted)
            if wanted == Qt.Orientation.Horizontal:
                self.setSizes([self.width() * share // sum(self._wide) for share in self._wide])


def stack(*parts: Any, grows: QWidget | None = None) -> QWidget:
    """Return widgets and layouts one below the other; `grows` takes the room that is left, else nothing does."""
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
