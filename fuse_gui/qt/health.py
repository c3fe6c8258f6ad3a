"""The cohort health strip drawn with Qt: a button for each check."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from fuse_engine.core.health import CHECKS
from fuse_gui.models.health import HealthModel
from fuse_gui.models.rows import Rows
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, Text, tooltip
from fuse_gui.qt.flow import FlowBox

CHIP = (
    "QToolButton {{ border: 1px solid {edge}; border-radius: 8px; padding: 1px 7px; font-size: 11px;"
    " background: {fill}; {text} }} QToolButton:checked {{ border: 2px solid #4c9be8; padding: 0px 6px; }}"
)
LOOKS = {
    "waiting": CHIP.format(edge="rgba(128, 136, 148, 80)", fill="transparent", text="color: #8b929c;"),
    "fine": CHIP.format(edge="rgba(62, 160, 92, 110)", fill="rgba(62, 160, 92, 30)", text=""),
    "warning": CHIP.format(edge="#c98a1b", fill="rgba(242, 160, 61, 90)", text=""),
    "blocking": CHIP.format(edge="#e5484d", fill="rgba(229, 72, 77, 110)", text=""),
}
"""Half transparent, so that they are right on a dark and on a light theme."""


class HealthView(QWidget):  # type: ignore[misc]
    """What the checks found; a click shows these samples only."""

    def __init__(self, model: HealthModel, rows: Rows, toggle: Callable[[str], None]) -> None:
        """Follow the checks and the filter; `toggle` is called with the name of a check."""
        super().__init__()
        self.model, self._rows = model, rows
        self.chips = {name: self._chip(name, toggle) for name in CHECKS}
        self.rest = QToolButton()
        self.rest.setCheckable(True)
        self.rest.setStyleSheet(LOOKS["waiting"])
        self.rest.setToolTip(tooltip(model.rest_help))
        self.rest.clicked.connect(lambda: self._show())
        chips = FlowBox([*self.chips.values(), self.rest])
        self.progress, self.remarks = Text("", HELP), Text("", HELP)
        self.stop = push(model.stop_label, model.stop_help, model.pause)
        self.start = push(model.start_label, model.start_help, model.resume)
        line = QHBoxLayout()
        line.addWidget(self.progress, 1)
        line.addWidget(self.stop)
        line.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(chips)
        column.addWidget(self.remarks)
        column.addLayout(line)
        model.changed.connect(self._show)
        rows.changed.connect(self._show)
        self._show()

    def _chip(self, name: str, toggle: Callable[[str], None]) -> QToolButton:
        chip = QToolButton()
        chip.setObjectName(name)
        chip.setCheckable(True)
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        chip.clicked.connect(lambda: toggle(name))
        return chip

    def _show(self) -> None:
        model = self.model
        for name, chip in self.chips.items():
            chip.setText(model.label(name))
            chip.setToolTip(tooltip(model.help(name)))
            if chip.property("state") != (state := model.state(name)):
                chip.setProperty("state", state)
                chip.setStyleSheet(LOOKS[state])
            chip.setChecked(f"check:{name}" in self._rows.filter)
            chip.setVisible(bool(model.counts[name]) or chip.isChecked() or self.rest.isChecked())
        self.rest.setText(model.rest)
        self.rest.setVisible(bool(model.rest))
        self.remarks.say(model.remarks)
        self.progress.say(model.progress)
        self.stop.setVisible(model.running)
        self.start.setText(model.start_words)
        self.start.setVisible(model.can_resume)
        self.setVisible(bool(model.total))
