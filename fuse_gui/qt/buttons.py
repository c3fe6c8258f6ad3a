"""Buttons, alike in every panel."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton

from fuse_gui.qt.controls import tooltip


def push(text: str, help_text: str, action: Callable[[], object]) -> QPushButton:
    """Return a button with a tooltip."""
    made = QPushButton(text)
    made.setToolTip(tooltip(help_text))
    made.clicked.connect(lambda: action())
    return made
