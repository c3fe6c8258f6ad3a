"""What a step of the augmentation drew, on its card, drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QCheckBox, QFrame, QHBoxLayout

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.field import Item
from fuse_gui.qt.controls import tooltip
from fuse_gui.qt.still import Still

GREY = "#8b929c"
TIME_WIDE = 62
"""Pixels for the time of a step."""
PLAIN = "QFrame#fuse-step { background: rgba(128, 136, 148, 40); border-radius: 3px; }"
SHOWN = "QFrame#fuse-step { background: rgba(64, 128, 220, 120); border-radius: 3px; }"


class StepLine(QFrame):  # type: ignore[misc]
    """A switch, the drawn values and the time of a step; a click shows the sample right after it."""

    def __init__(self, model: AugmentationModel, item: Item) -> None:
        """Follow the model."""
        super().__init__()
        self._model, self._item = model, item
        self._look = ""
        self.setObjectName("fuse-step")
        self.setToolTip(tooltip(model.step_help))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.switch = QCheckBox(model.on_label)
        self.switch.setToolTip(tooltip(model.on_help))
        self.switch.toggled.connect(lambda on: model.switch(item, on))
        self.drawn, self.time = Still(2), Still(1, GREY, 11, TIME_WIDE)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 3, 6, 3)
        row.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.drawn, 1)
        row.addWidget(self.time, 0, Qt.AlignmentFlag.AlignTop)
        model.changed.connect(self._show)
        self._show()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Show the sample right after this step."""
        self._model.show_step(self._item)
        super().mouseReleaseEvent(event)

    def _show(self) -> None:
        facts, on = self._model.facts(self._item), self._model.is_on(self._item)
        if self.switch.isChecked() != on:
            self.switch.blockSignals(True)
            self.switch.setChecked(on)
            self.switch.blockSignals(False)
        self.drawn.say((facts.drawn if facts else "") if on else "off")
        self.time.say(facts.time if facts and on else "")
        look = SHOWN if facts and facts.shown else PLAIN
        if look != self._look:
            self._look = look
            self.setStyleSheet(look)
