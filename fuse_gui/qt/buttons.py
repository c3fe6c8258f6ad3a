"""Buttons and rows of settings, alike in every panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from fuse_gui.qt.controls import tooltip


def push(text: str, help_text: str, action: Callable[[], object]) -> QPushButton:
    """Return a button with a tooltip."""
    made = QPushButton(text)
    made.setToolTip(tooltip(help_text))
    made.clicked.connect(lambda: action())
    return made


def line(*parts: QWidget, grows: QWidget) -> QHBoxLayout:
    """Return widgets side by side; one of them takes the room that is left."""
    row = QHBoxLayout()
    for part in parts:
        row.addWidget(part, 1 if part is grows else 0)
    return row


def form(*rows: tuple[str, Any]) -> QFormLayout:
    """Return rows of a name and a widget or layout; the names are plain text."""
    layout = QFormLayout()
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, part in rows:
        label = QLabel(name)
        label.setTextFormat(Qt.TextFormat.PlainText)
        layout.addRow(label, part)
    return layout
