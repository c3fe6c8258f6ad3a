"""The preflight card drawn with Qt."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from fuse_gui.models.preflight import Bar, Card, PreflightModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, TITLE, WRONG, Text

BLUE, RED = "#4aa3ff", "#e5484d"
BAR_WIDE, BAR_HIGH = 110, 12


class BarView(QWidget):  # type: ignore[misc]
    """A share from the left, or a cosine from the middle."""

    def __init__(self, bar: Bar) -> None:
        """Take the bar."""
        super().__init__()
        self._bar = bar
        self.setFixedSize(BAR_WIDE, BAR_HIGH)

    def paintEvent(self, event: Any) -> None:
        """Paint the frame, then the bar."""
        painter = QPainter(self)
        wide, value = self.width() - 1, max(-1.0, min(1.0, self._bar.value))
        frame = QColor(self.palette().windowText().color())
        frame.setAlpha(90)
        painter.setPen(frame)
        painter.drawRect(0, 0, wide, self.height() - 1)
        start = wide / 2 if self._bar.signed else 0.0
        length = value * (wide / 2 if self._bar.signed else wide)
        box = QRectF(start + min(length, 0.0), 1, abs(length), self.height() - 2)
        painter.fillRect(box, QColor(RED if value < 0 else BLUE))
        painter.end()


class PreflightView(QWidget):  # type: ignore[misc]
    """The button, the progress, and the card of what one step has shown."""

    def __init__(self, model: PreflightModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self._drawn: Card | None = None
        self.state, self.bar = Text("", HELP), QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setFixedHeight(14)
        self.start = push(model.start_label, model.help, model.start)
        self.cancel = push(model.cancel_label, "", model.cancel)
        head = QHBoxLayout()
        head.addWidget(self.start)
        head.addWidget(self.cancel)
        head.addWidget(self.bar, 1)
        self.card = QWidget()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(head)
        self._column.addWidget(self.state)
        self._column.addWidget(self.card)
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        model = self.model
        self.start.setEnabled(model.can_start)
        self.cancel.setVisible(model.running)
        self.bar.setVisible(model.running)
        self.bar.setValue(round(100 * model.share))
        self.state.say(model.state)
        if model.card is not self._drawn:
            self._drawn = model.card
            self.card.hide()
            self.card.deleteLater()
            self.card = self._made(model.card) if model.card else QWidget()
            self._column.addWidget(self.card)

    def _made(self, card: Card) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        for label, text in card.facts:
            _row(grid, Text(label, HELP), None, Text(text, "" if card.fits or label != "Fits" else WRONG))
        for title, bars in card.bars:
            grid.addWidget(Text(title, TITLE), grid.rowCount(), 0, 1, 3)
            for bar in bars:
                _row(grid, Text(bar.label, HELP), BarView(bar), Text(bar.text, ""))
        for note in card.notes:
            grid.addWidget(Text(note, HELP), grid.rowCount(), 0, 1, 3)
        if card.proposal is not None:
            apply = push(self.model.apply_label, self.model.apply_help, self.model.apply)
            grid.addWidget(Text(card.proposal.title, TITLE), grid.rowCount(), 0, 1, 3)
            grid.addWidget(apply, grid.rowCount(), 0, Qt.AlignmentFlag.AlignLeft)
        return box


def _row(grid: QGridLayout, label: QLabel, bar: QWidget | None, text: QLabel) -> None:
    row = grid.rowCount()
    label.setWordWrap(False)
    grid.addWidget(label, row, 0)
    if bar is not None:
        grid.addWidget(bar, row, 1)
    grid.addWidget(text, row, 2 if bar is not None else 1, 1, 1 if bar is not None else 2)
