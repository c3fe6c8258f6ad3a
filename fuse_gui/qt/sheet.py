"""The contact sheet and the histograms of the augmentation drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from fuse_gui.models.histograms import Histograms
from fuse_gui.models.sheet import Sheet
from fuse_gui.qt.buttons import line
from fuse_gui.qt.controls import HELP, Combo, Text, tooltip
from fuse_gui.qt.picture import PictureView
from fuse_gui.qt.plot import PlotView
from fuse_gui.qt.scrolled import scrolled

SHEET, HIGH = 400, 330
"""Pixels that the sheet and the histograms may take from the panel's height."""
ROW, PLOT, FEW = 170, 118, 4
"""Pixels of the height of a few histograms side by side, and of one of more, which stand one below the other."""


class SheetView(QWidget):  # type: ignore[misc]
    """Draws or corners; a click on a picture looks at its draw."""

    def __init__(self, model: Sheet) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self.picture = PictureView(SHEET)
        self.picture.setToolTip(tooltip(model.help))
        self.picture.picked.connect(lambda x, y: model.choose(model.tile_at(x, y)))
        self.state = Text("", HELP)
        self.kinds = QButtonGroup(self)
        row = QHBoxLayout()
        for kind, label in model.kinds.items():
            button = QPushButton(label)
            button.setObjectName(kind)
            button.setCheckable(True)
            button.setToolTip(tooltip(model.kind_helps[kind]))
            button.clicked.connect(lambda _=False, kind=kind: model.set_kind(kind))
            self.kinds.addButton(button)
            row.addWidget(button)
        row.addWidget(self.state, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.picture)
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for button in self.kinds.buttons():
            button.setChecked(button.objectName() == self._model.kind)
        self.state.say(self._model.state)
        self.picture.draw(self._model.picture)
        self.picture.setEnabled(not self._model.stale)


class HistogramsView(QWidget):  # type: ignore[misc]
    """A menu of the steps, and what the chosen one draws."""

    def __init__(self, model: Histograms) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self.steps, self.state, self.plot = Combo(), Text("", HELP), PlotView()
        self.steps.setToolTip(tooltip(model.step_help))
        self.steps.activated.connect(lambda: model.choose(self.steps.currentText()))
        area = scrolled([self.plot])
        area.setFixedHeight(HIGH)
        self._area = area
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line(QLabel(model.step_label), self.steps, grows=self.steps))
        column.addWidget(self.state)
        column.addWidget(area)
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        model = self._model
        self.steps.offer(model.names, model.name)
        self.state.say(model.state)
        figure = model.figure
        count = len(figure.axes)
        high = ROW if count <= FEW else PLOT * count
        self.plot.setFixedHeight(high)
        self._area.setVisible(bool(count))
        self._area.setFixedHeight(min(HIGH, high + 12))
        self.plot.draw(figure)
