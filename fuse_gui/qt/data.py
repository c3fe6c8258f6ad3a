"""The Data panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.data import DataModel
from fuse_gui.models.thumbnails import SIZES
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, WRONG, Combo, Text, tooltip
from fuse_gui.qt.data_settings import DataSettingsView
from fuse_gui.qt.details import DetailsView
from fuse_gui.qt.flow import FlowBox
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.health import HealthView
from fuse_gui.qt.leave import may_leave, save, save_as
from fuse_gui.qt.samples import SamplesView
from fuse_gui.qt.shown import ShownView
from fuse_gui.qt.sides import Sides, stack
from fuse_gui.qt.statistics import StatisticsView
from fuse_gui.qt.strip import Strip

TYPING = 150
"""Milliseconds without a key after which the filter is used."""


class DataView(QWidget):  # type: ignore[misc]
    """Open an experiment, look through its samples, see what is wrong with them."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-data")
        self.heading = Text("", "font-weight: bold;")
        self.health = HealthView(model.health, model.rows, model.toggle_check)
        self.table = SamplesView(model)
        self.error, self.shown = Text("", WRONG), Text("", HELP)
        self.sample, self.details = Text("", "font-weight: bold;"), DetailsView()
        self.summary = Text("", HELP)
        self.statistics = StatisticsView(model.statistics, model.toggle_filter)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(Strip(model.strip))
        column.addLayout(self._files())
        column.addWidget(self.heading)
        column.addWidget(self.summary)
        column.addWidget(self.health)
        column.addWidget(Sides(self._list(), self._sample(), grows=(3, 1), wide=(2, 1)), 1)
        self.settings = DataSettingsView(model.settings)
        column.addWidget(self.settings)
        model.changed.connect(self._show)
        model.sample_changed.connect(self._show_sample)
        model.exclusions.changed.connect(self._show)
        self._show()
        self._show_sample()

    def _list(self) -> QWidget:
        """Return the filter, the table and the statistics of a column."""
        model = self.model
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(model.filter_hint)
        self.filter.setToolTip(tooltip(model.filter_help))
        self.filter.setClearButtonEnabled(True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING)
        self._typing.timeout.connect(self._use_filter)
        self.filter.textChanged.connect(self._typed)
        self.pictures = Combo()
        self.pictures.setToolTip(tooltip(model.thumbnails.help))
        self.pictures.offer(tuple(SIZES), model.thumbnails.size_name)
        self.pictures.activated.connect(lambda _: model.thumbnails.set_size(self.pictures.currentText()))
        row = QHBoxLayout()
        row.addWidget(self.filter, 1)
        row.addWidget(self.pictures)
        self.columns = Fold(model.statistics.title, self.statistics)
        return stack(row, self.error, self.shown, self.table, self.columns, grows=self.table)

    def _sample(self) -> QWidget:
        """Return the keys to go through the samples, and what is known about the one that is looked at."""
        model, words = self.model, self.model.exclusions
        self.previous = _quiet(push(model.previous_label, model.previous_help, lambda: model.step(-1)))
        self.next = _quiet(push(model.next_label, model.next_help, lambda: model.step(1)))
        self.truth = QCheckBox(model.truth_label)
        self.truth.setToolTip(tooltip(model.truth_help))
        self.truth.clicked.connect(lambda: model.toggle_truth())
        self.truth.setMinimumHeight(self.next.sizeHint().height())
        self.exclude = _quiet(push(words.exclude_label, words.exclude_help, self.table.exclude))
        self.include = _quiet(push(words.include_label, words.include_help, self.table.include))
        self.undo = _quiet(push(words.undo_label, words.undo_help, words.undo))
        parts = (self.previous, self.next, self.truth, self.exclude, self.include, self.undo)
        buttons = FlowBox(parts, gap=6)
        self.pictured = ShownView(model.project.shown)
        return stack(buttons, self.sample, self.pictured, self.details, grows=self.details)

    def _files(self) -> QHBoxLayout:
        model = self.model
        self.new = QToolButton()
        self.new.setText(f"{model.new_label} ▾")
        self.new.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # napari's lies over the text
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

    def _open(self) -> None:
        model = self.model
        if not may_leave(self, model.project):
            return
        path, _ = QFileDialog.getOpenFileName(self, model.open_help, str(model.project.folder), model.file_types)
        if path:
            model.open(path)

    def _typed(self, _text: str) -> None:
        self._typing.start()

    def _use_filter(self) -> None:
        """Use what was typed; a method, because a timer may outlive a closure by a turn of the event loop."""
        self.model.set_filter(self.filter.text())

    def _new(self, preset: str) -> None:
        if may_leave(self, self.model.project):
            self.model.new(preset)

    def _show(self) -> None:
        model = self.model
        self.heading.say(model.heading)
        self.error.say(model.rows.error)
        self.shown.say(model.shown)
        self.summary.say(model.summary)
        if self.filter.text().strip() != model.rows.filter and not self._typing.isActive():
            with QSignalBlocker(self.filter):
                self.filter.setText(model.rows.filter)
        for button, can in ((self.save, model.can_save), (self.save_as, model.can_save)):
            button.setEnabled(can)
        for button in (self.previous, self.next, self.exclude, self.include):
            button.setEnabled(model.can_step)
        self.undo.setEnabled(model.exclusions.can_undo)
        self.truth.setChecked(model.truth_shown)

    def _show_sample(self) -> None:
        self.sample.say(self.model.sample)
        self.details.say(self.model.sections)


def _quiet(button: QPushButton) -> QPushButton:
    """Return a button that leaves the focus, and with it the keys A and D, to the table."""
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
