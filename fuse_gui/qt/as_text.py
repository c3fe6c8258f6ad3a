"""The open experiment as text, folded away until it is wanted; for the foot of any panel."""

from __future__ import annotations

from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QPlainTextEdit, QTabBar, QVBoxLayout, QWidget

from fuse_gui.models.as_text import AsTextModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.fold import Fold


class AsText(Fold):
    """YAML, Python or command, with a button that copies it."""

    def __init__(self, model: AsTextModel) -> None:
        """Follow the model."""
        self.model = model
        body = QWidget()
        super().__init__(model.title, body)
        self.tabs = QTabBar()
        for face in model.faces:
            self.tabs.addTab(face)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setStyleSheet("font-family: monospace; font-size: 11px;")
        self.text.setMinimumHeight(180)
        self.copy = push(model.copy_label, "", self._copy)
        head = QHBoxLayout()
        head.addWidget(self.tabs, 1)
        head.addWidget(self.copy)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.text)
        self.tabs.currentChanged.connect(lambda index: model.choose(model.faces[index]))
        self.opened.connect(self._show)
        model.changed.connect(self._show)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.model.text)

    def _show(self) -> None:
        if self.is_open and self.text.toPlainText() != self.model.text:
            self.text.setPlainText(self.model.text)
