"""The controls of a distribution, drawn with Qt."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.density import Stroke
from fuse_gui.models.distribution import EACH_AXIS, EACH_HELP, KIND_HELP, AxisRow, DistributionField, NumberBox
from fuse_gui.qt.controls import HELP, Combo, Row, tooltip

BOXES = 3
"""Numbers that a distribution has at most, each in a box of its own."""
MENU = 122
"""Pixels of the menu; the drawing below it is as wide."""
_LINE = QColor("#2f7fd6")
_BASE = QColor(128, 136, 148, 120)


class Slider(QSlider):  # type: ignore[misc]
    """A slider that the mouse wheel moves only while it has the focus."""

    def __init__(self) -> None:
        """Start at 0."""
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(36)
        self.setFixedHeight(14)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Leave the wheel to the panel unless the slider has the focus."""
        if event is not None and self.hasFocus():
            super().wheelEvent(event)
        elif event is not None:
            event.ignore()


class Sketch(QWidget):  # type: ignore[misc]
    """A distribution as a small drawing."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._strokes: tuple[Stroke, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, strokes: tuple[Stroke, ...]) -> None:
        """Draw these lines of the unit square."""
        if strokes != self._strokes:
            self._strokes = strokes
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height it has in every row."""
        return QSize(MENU, 16)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the base line faintly and the rest over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide, high = self.width() - 4, self.height() - 5
        for index, stroke in enumerate(self._strokes):
            painter.setPen(QPen(_LINE if index else _BASE, 1.5 if index else 1.0))
            painter.drawPolyline(QPolygonF([QPointF(2 + x * wide, 3 + (1 - y) * high) for x, y in stroke]))
        painter.end()


class NumberCell(QWidget):  # type: ignore[misc]
    """A number: its box, and the slider below it."""

    def __init__(self, field: DistributionField, axis: str, index: int) -> None:
        """Tell the field what is typed and dragged."""
        super().__init__()
        self._field, self._axis, self._index = field, axis, index
        self.edit, self.slider = QLineEdit(), Slider()
        self.edit.setMinimumWidth(36)
        name = "-".join(filter(None, (field.spec.name, axis, str(index))))
        self.edit.setObjectName(name)
        self.slider.setObjectName(f"{name}-slider")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.edit)
        column.addWidget(self.slider)
        column.addStretch(1)
        self.edit.editingFinished.connect(self._type)
        self.slider.valueChanged.connect(self._drag)
        self.slider.sliderReleased.connect(self._show)

    def say(self, box: NumberBox) -> None:
        """Show a number; the slider stays under the hand that drags it."""
        self._box = box
        if self.edit.text() != box.text:
            self.edit.setText(box.text)
            self.edit.setCursorPosition(0)
        for control in (self.edit, self.slider):
            control.setToolTip(tooltip(box.help))
        self.slider.setVisible(box.ticks > 0)
        if not self.slider.isSliderDown():
            self._show()

    def _show(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setRange(0, self._box.ticks)
        self.slider.setPageStep(max(1, self._box.ticks // 20))
        self.slider.setValue(self._box.tick)
        self.slider.blockSignals(False)

    def _type(self) -> None:
        self._field.enter(self._axis, self._index, self.edit.text())
        if not self._field.error:
            self.say(self._box)

    def _drag(self, tick: int) -> None:
        self._field.drag(self._axis, self._index, tick)
        self.say(self._box)


class AxisControls:
    """The controls of an axis, in a line of a grid that all axes share."""

    def __init__(self, field: DistributionField, axis: str, grid: QGridLayout, line: int) -> None:
        """Put them into the grid."""
        self._field, self._axis = field, axis
        self._axis_name, self._menu, self._sketch = QLabel(axis), Combo(), Sketch()
        self._menu.setObjectName("-".join(filter(None, (field.spec.name, axis, "kind"))))
        self._menu.setToolTip(tooltip(KIND_HELP))
        self._menu.setFixedWidth(MENU)
        self._menu.activated.connect(self._choose)
        self._cells = [NumberCell(field, axis, index) for index in range(BOXES)]
        self._captions = [QLabel() for _ in range(BOXES)]
        self._numbers = QGridLayout()
        self._numbers.setHorizontalSpacing(3)
        for index, (caption, cell) in enumerate(zip(self._captions, self._cells, strict=True)):
            caption.setStyleSheet(HELP)
            self._numbers.addWidget(caption, 0, 2 * index, Qt.AlignmentFlag.AlignTop)
            self._numbers.addWidget(cell, 0, 2 * index + 1)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._menu)
        column.addWidget(self._sketch)
        grid.addWidget(self._axis_name, line, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(column, line, 1)
        grid.addLayout(self._numbers, line, 2)
        for words in (self._axis_name, *self._captions):
            words.setFixedHeight(self._menu.sizeHint().height())

    def say(self, row: AxisRow | None) -> None:
        """Show an axis; None where there is none."""
        for control in (self._menu, self._sketch):
            control.setVisible(row is not None)
        self._axis_name.setVisible(row is not None and bool(self._axis))
        if row is not None:
            self._menu.offer(row.kinds, row.chosen)
            self._sketch.say(row.sketch)
        self._say_boxes(row.boxes if row is not None else ())

    def _say_boxes(self, boxes: Sequence[NumberBox]) -> None:
        for index, (caption, cell) in enumerate(zip(self._captions, self._cells, strict=True)):
            box = boxes[index] if index < len(boxes) else None
            cell.setVisible(box is not None)
            caption.setVisible(bool(box and box.caption))
            self._numbers.setColumnStretch(2 * index + 1, int(box is not None))
            if box is not None:
                caption.setText(box.caption)
                cell.say(box)

    def _choose(self) -> None:
        self._field.choose(self._axis, self._menu.currentText())


class DistributionRow(Row):
    """A distribution: how it is drawn, its numbers, and a switch where each axis may have its own."""

    field: DistributionField

    def __init__(self, field: DistributionField) -> None:
        """Draw a field of the kind distribution."""
        box = QWidget()
        self._grid = QGridLayout(box)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(4)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        self._axes: dict[str, AxisControls] = {}
        self._each = QCheckBox(EACH_AXIS)
        self._each.setObjectName(f"{field.spec.name}-each")
        self._each.setToolTip(tooltip(EACH_HELP))
        self._each.toggled.connect(field.split)
        super().__init__(field, box)
        self.foot.addWidget(self._each, 0, Qt.AlignmentFlag.AlignTop)
        self._each.setVisible(field.spec.per_axis)

    def _show(self) -> None:
        rows = {row.axis: row for row in self.field.rows}
        for axis in rows:
            if axis not in self._axes:
                self._axes[axis] = AxisControls(self.field, axis, self._grid, len(self._axes))
        for axis, controls in self._axes.items():
            controls.say(rows.get(axis))
        self._each.blockSignals(True)
        self._each.setChecked(self.field.each_axis)
        self._each.blockSignals(False)
