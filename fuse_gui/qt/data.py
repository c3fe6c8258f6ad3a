"""The Data panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.data import DataModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import WRONG, Text, tooltip
from fuse_gui.qt.leave import may_leave, save, save_as
from fuse_gui.qt.sides import Sides, stack
from fuse_gui.qt.strip import Strip
from fuse_gui.qt.table import RowsView

TYPING = 150
"""Milliseconds without a key after which the filter is used."""


class DataView(QWidget):  # type: ignore[misc]
    """Open an experiment, look through its samples."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-data")
        self.heading = Text("", "font-weight: bold;")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(model.filter_hint)
        self.filter.setToolTip(tooltip(model.filter_help))
        self.filter.setClearButtonEnabled(True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING)
        self._typing.timeout.connect(lambda: model.set_filter(self.filter.text()))
        self.filter.textChanged.connect(lambda: self._typing.start())
        self.error = Text("", WRONG)
        self.table = RowsView(model.rows, model.select_row)
        self.summary, self.health, self.sample = Text("", ""), Text(), Text("", "")
        self._arrange()
        model.changed.connect(self._show)
        model.project.sample_changed.connect(self.table.mark)
        self._show()

    def _arrange(self) -> None:
        table = stack(self.filter, self.error, self.table, grows=self.table)
        words = stack(self._steps(), self.sample, self.summary, self.health)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(Strip(self.model.strip))
        column.addLayout(self._files())
        column.addWidget(self.heading)
        column.addWidget(Sides(table, words, grows=(1, 0), wide=(2, 1)), 1)

    def _files(self) -> QHBoxLayout:
        model = self.model
        self.new = QToolButton()
        self.new.setText(model.new_label)
        self.new.setToolTip(model.new_help)
        self.new.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.new)
        for preset in model.presets:
            menu.addAction(preset).triggered.connect(lambda _=False, preset=preset: self._new(preset))
        self.new.setMenu(menu)
        row = QHBoxLayout()
        self.open = push(model.open_label, model.open_help, self._open)
        row.addWidget(self.open)
        row.addWidget(self.new)
        row.addStretch(1)
        self.save = push(model.save_label, model.save_help, lambda: save(self, model.project))
        self.save_as = push(model.save_as_label, model.save_as_help, lambda: save_as(self, model.project))
        row.addWidget(self.save)
        row.addWidget(self.save_as)
        return row

    def _steps(self) -> QGridLayout:
        grid = QGridLayout()
        self.previous = push(self.model.previous_label, "", lambda: self.model.step(-1))
        self.next = push(self.model.next_label, "", lambda: self.model.step(1))
        grid.addWidget(self.previous, 0, 0)
        grid.addWidget(self.next, 0, 1)
        return grid

    def _open(self) -> None:
        model = self.model
        if not may_leave(self, model.project):
            return
        path, _ = QFileDialog.getOpenFileName(self, model.open_help, str(model.project.folder), model.file_types)
        if path:
            model.open(path)

    def _new(self, preset: str) -> None:
        if may_leave(self, self.model.project):
            self.model.new(preset)

    def _show(self) -> None:
        model = self.model
        self.heading.say(model.heading)
        self.error.say(model.rows.error)
        for button, can in ((self.save, model.can_save), (self.save_as, model.can_save)):
            button.setEnabled(can)
        for button in (self.previous, self.next):
            button.setEnabled(model.can_step)
        self.summary.say(model.summary)
        self.health.say(model.health)
        self.sample.say(model.sample)
