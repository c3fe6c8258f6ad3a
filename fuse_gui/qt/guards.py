"""Label damage and warnings drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from fuse_gui.models.guards import Fix, Guards
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, TITLE, WRONG, Text
from fuse_gui.qt.flow import FlowBox

AMBER = "#f2a03d"


class GuardsView(QWidget):  # type: ignore[misc]
    """A line for each class of the label map, and each warning with its buttons."""

    def __init__(self, model: Guards) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self._seen: object = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        model = self._model
        seen = (model.meters, model.warnings, model.note)
        if seen == self._seen:
            return
        self._seen = seen
        while self._column.count():
            old = self._column.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        for warned in model.warnings:
            self._column.addWidget(Text(f"⚠ {warned.text}", f"color: {AMBER}; font-size: 12px;"))
            if warned.fixes:
                self._column.addWidget(FlowBox([self._button(fix) for fix in warned.fixes]))
        if model.meters:
            self._column.addWidget(Text(model.damage_label, TITLE))
        for meter in model.meters:
            self._column.addWidget(Text(meter.text, WRONG if meter.wrong else ""))
        self._column.addWidget(Text(model.note, HELP))

    def _button(self, fix: Fix) -> QPushButton:
        return push(fix.title, self._model.fix_help, lambda: self._model.apply(fix))
