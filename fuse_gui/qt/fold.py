"""A heading that shows and hides what is below it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):  # type: ignore[misc]
    """A part of a panel that is closed until a person opens it."""

    opened = Signal()

    def __init__(self, title: str, body: QWidget, is_open: bool = False) -> None:
        """Take the heading and what is below it."""
        super().__init__()
        self._body = body
        self.head = QToolButton()
        self.head.setText(title)
        self.head.setAutoRaise(True)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setStyleSheet(
            "QToolButton { border: none; background: transparent; font-weight: bold; font-size: 13px; }"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.head)
        column.addWidget(body)
        self.head.toggled.connect(self._toggled)
        self.head.setChecked(is_open)
        self._toggled(is_open)

    @property
    def is_open(self) -> bool:
        """Whether the body is seen."""
        return bool(self.head.isChecked())

    def title(self, text: str) -> None:
        """Change the heading."""
        self.head.setText(text)

    def open(self) -> None:
        """Show the body."""
        self.head.setChecked(True)

    def _toggled(self, is_open: bool) -> None:
        self.head.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._body.setVisible(is_open)
        if is_open:
            self.opened.emit()
