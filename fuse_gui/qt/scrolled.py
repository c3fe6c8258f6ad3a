"""Parts of a panel one below the other, in an area that scrolls up and down only."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


def scrolled(parts: Sequence[QWidget]) -> QScrollArea:
    """Return an area that is as wide as the panel and keeps its parts that wide."""
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(2, 2, 6, 2)
    for part in parts:
        column.addWidget(part)
    column.addStretch(1)
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    return area
