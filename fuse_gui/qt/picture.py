"""A picture in colours, as wide as there is room."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRect, QSize, Qt, Signal
from qtpy.QtGui import QImage, QPainter, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget


class PictureView(QWidget):  # type: ignore[misc]
    """Shows a picture; a click says the pixel (x, y) of the picture."""

    picked = Signal(int, int)

    def __init__(self, high: int) -> None:
        """Take the height in pixels that it may have."""
        super().__init__()
        self._pixmap: QPixmap | None = None
        self._drawn: NDArray[np.uint8] | None = None
        self._high = high
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def draw(self, picture: NDArray[np.uint8] | None) -> None:
        """Show another picture (y, x, 3), or none."""
        if picture is self._drawn and picture is not None:
            return
        self._drawn, before = picture, self.sizeHint()
        if picture is None:
            self._pixmap = None
        else:
            high, wide = picture.shape[:2]
            image = QImage(
                np.ascontiguousarray(picture).tobytes(), wide, high, 3 * wide, QImage.Format.Format_RGB888
            )
            self._pixmap = QPixmap.fromImage(image)
        self.setVisible(self._pixmap is not None)
        if self.sizeHint() != before:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of the picture, no higher than allowed."""
        if self._pixmap is None:
            return QSize(0, 0)
        return QSize(self._pixmap.width() // 2, min(self._pixmap.height(), self._high))

    def paintEvent(self, event: Any) -> None:
        """Draw the picture as large as it fits."""
        if self._pixmap is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self._place, self._pixmap)
            painter.end()

    def mousePressEvent(self, event: Any) -> None:
        """Say which pixel was clicked."""
        place = self._place
        if self._pixmap is not None and place.contains(event.pos()):
            scale = self._pixmap.width() / place.width()
            at = event.pos() - place.topLeft()
            self.picked.emit(int(at.x() * scale), int(at.y() * scale))

    @property
    def _place(self) -> QRect:
        if self._pixmap is None:
            return QRect()
        size = self._pixmap.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())
