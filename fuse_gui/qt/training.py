"""The Training panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QGridLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.training import TrainingModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, Text
from fuse_gui.qt.form import render
from fuse_gui.qt.microscope import MicroscopeView
from fuse_gui.qt.plot import PlotView
from fuse_gui.qt.sides import Sides, stack
from fuse_gui.qt.strip import Strip

_TICKS = 1000
_WARNING = "color: #d9a441; font-size: 11px;"


class TrainingView(QWidget):  # type: ignore[misc]
    """Start, stop and continue runs, and watch them."""

    def __init__(self, model: TrainingModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-training")
        self.state, self.progress = Text("", "font-weight: bold;"), Text("", "")
        self.numbers, self.notes = Text("", ""), Text("", _WARNING)
        self.bar = QProgressBar()
        self.bar.setRange(0, _TICKS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.plot = PlotView()
        self.plot.picked.connect(self._pick)
        self.batch = MicroscopeView(model.microscope)
        self.runs = QListWidget()
        self.runs.setWordWrap(True)
        self.runs.itemClicked.connect(self._attach)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._arrange()
        model.changed.connect(self._show)
        model.runs_changed.connect(self._show_runs)
        model.figure_changed.connect(self._draw)
        self._show()
        self._show_runs()
        self._draw()

    def _arrange(self) -> None:
        model = self.model
        self.tabs = QTabWidget()
        hint = Text(model.microscope.hint, HELP)
        curves = stack(self.plot, hint, self.numbers, self.notes, grows=self.plot)
        self.tabs.addTab(curves, model.curves_label)
        self.tabs.addTab(self.batch, model.microscope.title)
        self.tabs.addTab(self.runs, model.runs_label)
        self.tabs.addTab(self._forms(), model.form_label)
        self.tabs.addTab(self.log, model.log_label)
        controls = stack(self._buttons(), self.state, self.bar, self.progress)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(Strip(model.strip))
        column.addWidget(Sides(controls, self.tabs, grows=(0, 1), wide=(1, 2)), 1)

    def _buttons(self) -> QGridLayout:
        model = self.model
        self.start = push(model.start_label, model.start_help, model.start)
        self.resume = push(model.resume_label, model.resume_help, model.resume)
        self.stop = push(model.stop_label, model.stop_help, model.stop)
        self.cancel = push(model.cancel_label, model.cancel_help, model.cancel)
        self.validate = push(model.validate_label, model.validate_help, model.validate)
        grid = QGridLayout()
        for place, button in enumerate((self.start, self.stop, self.cancel, self.resume, self.validate)):
            grid.addWidget(button, place // 3, place % 3)
        return grid

    def _forms(self) -> QScrollArea:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 0, 4, 0)
        for form in self.model.forms.values():
            column.addWidget(render(form.item))
        column.addStretch(1)
        area.setWidget(inside)
        return area

    def _pick(self, step: str) -> None:
        self.model.pick(step)
        self.tabs.setCurrentWidget(self.batch)

    def _attach(self, item: QListWidgetItem) -> None:
        self.model.attach(item.data(Qt.ItemDataRole.UserRole))

    def _show(self) -> None:
        model = self.model
        self.state.say(model.state)
        self.progress.say(model.progress)
        self.numbers.say(model.numbers)
        self.notes.say(model.notes)
        self.bar.setValue(int(model.fraction * _TICKS))
        self.start.setEnabled(model.can_start)
        self.validate.setEnabled(model.can_validate)
        self.stop.setEnabled(model.can_stop)
        self.cancel.setEnabled(model.can_cancel)
        self.resume.setEnabled(model.can_resume)
        if self.log.toPlainText() != model.log:
            self.log.setPlainText(model.log)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _show_runs(self) -> None:
        self.runs.clear()
        for row in self.model.runs:
            item = QListWidgetItem(self.model.row_text(row))
            item.setData(Qt.ItemDataRole.UserRole, row.run)
            self.runs.addItem(item)
            item.setSelected(row.run == self.model.project.run)

    def _draw(self) -> None:
        self.plot.draw(self.model.figure())
