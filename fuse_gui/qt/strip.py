"""The red strip at the top of a panel, and the line that says what the engine does."""

from __future__ import annotations

from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from fuse_gui.models.strip import StripModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, Text

RED = (
    "QFrame#fuse-strip-box { background: #6b1f26; border: 1px solid #e5484d; border-radius: 4px; }"
    "QFrame#fuse-strip-box QLabel { color: #ffe3e3; background: transparent; }"
)


class Strip(QWidget):  # type: ignore[misc]
    """What is wrong, in red, and below it what the engine does; takes no room while there is neither."""

    def __init__(self, model: StripModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-strip")
        self.box = QFrame()
        self.box.setObjectName("fuse-strip-box")
        self.box.setStyleSheet(RED)
        self.text = Text("", "")
        self.busy = Text("", HELP)
        self.sample = push(model.open_label, "", model.open_sample)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.sample)
        self.copy = push(model.copy_label, model.copy_help, self._copy)
        buttons.addWidget(self.copy)
        buttons.addWidget(push(model.dismiss_label, model.dismiss_help, model.dismiss))
        inside = QVBoxLayout(self.box)
        inside.setContentsMargins(8, 6, 8, 6)
        inside.addWidget(self.text)
        inside.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.box)
        column.addWidget(self.busy)
        model.changed.connect(self._show)
        self._show()

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.model.report)

    def _show(self) -> None:
        self.text.say(self.model.text)
        self.box.setVisible(bool(self.model.text))
        self.sample.setVisible(bool(self.model.sample))
        self.busy.say(self.model.line)
