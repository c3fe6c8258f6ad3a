"""The forms of the Data panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from fuse_gui.models.data_settings import DataSettings
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.form import section
from fuse_gui.qt.scrolled import scrolled

HEIGHT = 320
"""Pixels of the open fold: the samples above stay in sight."""


class DataSettingsView(Fold):
    """The forms below a heading; they are drawn when a person first opens it."""

    def __init__(self, model: DataSettings) -> None:
        """Take the forms."""
        body = QWidget()
        super().__init__(model.title, body)
        self._model, self._column = model, QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.opened.connect(self._draw)

    def _draw(self) -> None:
        if not self._column.count():
            forms = scrolled([section(item) for item in self._model.items.values()])
            forms.setMinimumHeight(HEIGHT)
            self._column.addWidget(forms)
