"""The drawing of a model, painted with Qt."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPainterPath, QPen
from qtpy.QtWidgets import QScrollArea, QToolTip, QWidget

from fuse_gui.models import graph_look as look
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.graph import Graph
from fuse_gui.models.graph_layout import Drawn, Layout, Path
from fuse_gui.qt.controls import tooltip


class GraphCanvas(QWidget):  # type: ignore[misc]
    """The parts and edges; a click on a part shows its form."""

    def __init__(self, model: BuilderModel) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self._drawn: tuple[Graph | None, int] = (None, 0)
        self.layout_of = Layout(0, 0)
        self.setObjectName("fuse-graph")
        self.setMouseTracking(True)

    def fit(self, wide: int) -> None:
        """Draw what there is now, for a width in pixels."""
        graph = self._model.graph.graph
        if self._drawn[0] is not graph or self._drawn[1] != wide:
            self._drawn = graph, wide
            self.layout_of = self._model.graph.layout(wide)
            self.setMinimumSize(
                int(self.layout_of.wide) if self.layout_of.wide > wide else 0, int(self.layout_of.high)
            )
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Paint the edges, the parts over them, and the shapes over both."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(look.LATE if self._model.graph.stale else 1.0)
        for path in self.layout_of.paths:
            self._edge(painter, path)
        for drawn in self.layout_of.nodes:
            self._node(painter, drawn)
        for path in self.layout_of.paths:
            self._label(painter, path)
        painter.end()

    def mousePressEvent(self, event: Any) -> None:
        """Choose the part that was clicked."""
        node = self.layout_of.at(event.pos().x(), event.pos().y())
        if node is not None:
            self._model.choose(node)

    def mouseMoveEvent(self, event: Any) -> None:
        """Show that a part can be clicked."""
        node = self.layout_of.at(event.pos().x(), event.pos().y())
        self.setCursor(Qt.CursorShape.PointingHandCursor if node else Qt.CursorShape.ArrowCursor)

    def event(self, event: Any) -> bool:
        """Say everything about the part under the pointer."""
        if event.type() == QEvent.Type.ToolTip:
            node = self.layout_of.at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), tooltip(node.help) if node else "", self)
            return True
        return bool(super().event(event))

    def _edge(self, painter: QPainter, path: Path) -> None:
        wrong = bool(path.edge.problem)
        painter.setPen(QPen(QColor(look.WRONG) if wrong else self._ink(150), 2.0 if wrong else 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        line = QPainterPath(QPointF(*path.points[0]))
        for _, first, second, end in look.curve(path):
            line.cubicTo(QPointF(*first), QPointF(*second), QPointF(*end))
        painter.drawPath(line)

    def _node(self, painter: QPainter, drawn: Drawn) -> None:
        ink, box = QColor(look.colour(drawn)), drawn.box
        frame = QRectF(box.x, box.y, box.wide, box.high)
        fill = QColor(ink)
        fill.setAlphaF(look.FILL)
        chosen = drawn.node.id == self._model.graph.chosen or bool(drawn.node.problem)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().window())
        painter.drawRoundedRect(frame, look.ROUND, look.ROUND)
        painter.setPen(QPen(ink, 2.5 if chosen else 1.2))
        painter.setBrush(fill)
        painter.drawRoundedRect(frame, look.ROUND, look.ROUND)
        for number, text in enumerate(drawn.lines):
            painter.setFont(self._font(look.SMALL if number else look.FONT, not number))
            painter.setPen(self._ink(190 if number else 255))
            room = QRectF(box.x + 2, look.line_top(drawn, number), box.wide - 4, look.LINE_HIGH)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)

    def _label(self, painter: QPainter, path: Path) -> None:
        if path.label is None:
            return
        box = QRectF(path.label.x, path.label.y, path.label.wide, path.label.high)
        painter.fillRect(box, self.palette().window())
        painter.setFont(self._font(look.SMALL, bold=False))
        painter.setPen(QColor(look.WRONG) if path.edge.problem else self._ink(190))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), path.edge.text)

    def _ink(self, alpha: int) -> QColor:
        ink = QColor(self.palette().windowText().color())
        ink.setAlpha(alpha)
        return ink

    def _font(self, pixels: int, bold: bool) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        font.setBold(bold)
        return font


class GraphView(QScrollArea):  # type: ignore[misc]
    """The drawing, as high as it is; it scrolls sideways where a row has more parts than fit."""

    def __init__(self, model: BuilderModel) -> None:
        """Follow the model."""
        super().__init__()
        self.canvas = GraphCanvas(model)
        self.setWidget(self.canvas)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        model.graph.changed.connect(self._fit)
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Draw for the width there is."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.canvas.fit(self.viewport().width())
        layout = self.canvas.layout_of
        bar = self.horizontalScrollBar().sizeHint().height() if layout.wide > self.viewport().width() else 0
        if int(layout.high) + bar != self.maximumHeight():
            self.setFixedHeight(int(layout.high) + bar)
