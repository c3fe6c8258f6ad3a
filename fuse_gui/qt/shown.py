"""Menus for which pictures of the sample are on the screen, drawn with Qt; there while there is a choice."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from fuse_gui.models.shown import Shown
from fuse_gui.qt.controls import Combo, tooltip


class ShownView(QWidget):  # type: ignore[misc]
    """A menu for the image, and one for the label map."""

    def __init__(self, model: Shown) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self.menus = {place: self._menu(place) for place in model.labels}
        self._names = {place: QLabel(label) for place, label in model.labels.items()}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for place, menu in self.menus.items():
            self._names[place].setTextFormat(Qt.TextFormat.PlainText)
            row.addWidget(self._names[place])
            row.addWidget(menu, 1)
        model.changed.connect(self._show)
        self._show()

    def _menu(self, place: str) -> Combo:
        menu = Combo()
        menu.setToolTip(tooltip(self._model.helps[place]))
        menu.activated.connect(lambda _: self._model.choose(menu.currentText()))
        return menu

    def _show(self) -> None:
        for place, menu in self.menus.items():
            keys = self._model.keys.get(place, ())
            menu.offer(keys, self._model.key.get(place, ""))
            for part in (self._names[place], menu):
                part.setVisible(len(keys) > 1)
        self.setVisible(any(len(keys) > 1 for keys in self._model.keys.values()))
