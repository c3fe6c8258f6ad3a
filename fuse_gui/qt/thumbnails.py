"""Thumbnails painted into a column of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QImage, QPainter
from qtpy.QtWidgets import QStyledItemDelegate

from fuse_gui.models.thumbnails import ThumbnailsModel

GAP, EDGE = 2, 3
"""Pixels between the planes, and around them."""


class ThumbnailPainter(QStyledItemDelegate):  # type: ignore[misc]
    """Paints the planes of the sample of a row side by side."""

    def __init__(self, model: ThumbnailsModel, id_at: Callable[[int], str], parent: Any) -> None:
        """Take the thumbnails, and what says the id of a row."""
        super().__init__(parent)
        self._model, self._id_at = model, id_at

    @property
    def size(self) -> QSize:
        """Pixels that the planes take."""
        return QSize(self._model.width(GAP) + 2 * EDGE, self._model.size + 2 * EDGE)

    def paint(self, painter: QPainter, option: Any, index: Any) -> None:
        """Paint the planes, or a dot where they are not known yet, or a cross where there are none."""
        super().paint(painter, option, index)
        name, side = self._id_at(index.row()), self._model.size
        planes = self._model.of(name)
        left, top = option.rect.x() + EDGE, option.rect.y() + (option.rect.height() - side) // 2
        if planes is None:
            painter.save()
            painter.setOpacity(0.5)
            mark = "✕" if self._model.error(name) else "…"
            painter.drawText(QRect(left, top, side, side), Qt.AlignmentFlag.AlignCenter, mark)
            painter.restore()
            return
        for number, plane in enumerate(planes):
            image = QImage(plane.tobytes(), side, side, side, QImage.Format.Format_Grayscale8)
            painter.drawImage(left + number * (side + GAP), top, image)
