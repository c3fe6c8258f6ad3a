"""A plot in a Qt panel."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure as Canvas
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from fuse_gui.models.painter import Painter
from fuse_gui.models.plot import Figure, hit

WIDE = 1.6
"""Width over height from which plots stand side by side."""


class PlotView(QWidget):  # type: ignore[misc]
    """Draws a description; a click near a point says its id."""

    picked = Signal(str)

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.setMinimumHeight(160)
        self._figure, self._drawn = Figure(()), True
        self._canvas = Canvas(dpi=100)
        self._painter = Painter(self._canvas)
        self._widget: Any = FigureCanvasQTAgg(self._canvas)
        self._widget.mpl_connect("button_press_event", self._clicked)
        self._widget.mpl_connect("resize_event", self._resized)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._widget)

    def draw(self, figure: Figure) -> None:
        """Show another plot; drawn when it can be seen."""
        self._figure, self._drawn = figure, False
        self._paint()

    def showEvent(self, event: Any) -> None:
        """Draw what came while the plot could not be seen."""
        super().showEvent(event)
        self._paint()

    def _resized(self, _event: Any) -> None:
        self.draw(self._figure)

    def _paint(self) -> None:
        if not self._drawn and self.isVisible():
            if self._painter.paint(self._figure, self._is_dark(), self.width() < WIDE * self.height()):
                self._widget.draw_idle()
            self._drawn = True

    def _is_dark(self) -> bool:
        return bool(self.palette().window().color().lightness() < 128)

    def _clicked(self, event: Any) -> None:
        found = hit(self._figure, self._canvas, event.x, event.y)
        if found is not None:
            self.picked.emit(found.id)
