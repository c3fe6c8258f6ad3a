"""Views whose models work only while somebody looks."""

from __future__ import annotations

from typing import Protocol

from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QWidget


class Active(Protocol):
    """A model that rests while nobody looks."""

    def set_active(self, active: bool) -> None:
        """Say whether anybody looks."""


class LiveView(QWidget):  # type: ignore[misc]
    """Tells its model whether it is looked at."""

    def __init__(self, watched: Active) -> None:
        """Take the model."""
        super().__init__()
        self._watched = watched

    def showEvent(self, event: QShowEvent | None) -> None:
        """Have the model work while somebody looks."""
        super().showEvent(event)
        self._watched.set_active(True)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Have it rest, and leave the screen to the others, while nobody does."""
        super().hideEvent(event)
        self._watched.set_active(False)
