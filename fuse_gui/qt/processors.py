"""The Processors panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QFrame, QInputDialog, QLabel, QSlider, QVBoxLayout

from fuse_gui.models.field import Item
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.qt.buttons import line, push
from fuse_gui.qt.controls import WRONG, Combo, Text, tooltip
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.key_tree import KeyTreeView
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.steps import StepsView

FACTS = "QFrame#fuse-facts { background: rgba(128, 136, 148, 40); border-radius: 3px; }"
WIPE_STEPS = 200
SHOWN = "QFrame#fuse-facts { background: rgba(64, 128, 220, 120); border-radius: 3px; }"


class Facts(QFrame):  # type: ignore[misc]
    """What a step made of the sample; a click puts it on the screen."""

    def __init__(self, model: ProcessorsModel, item: Item) -> None:
        """Follow the model."""
        super().__init__()
        self._model, self._item = model, item
        self.setObjectName("fuse-facts")
        self.setToolTip(tooltip(model.show_label))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.facts, self.numbers, self.error = Text("", ""), Text(), Text("", WRONG)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 3, 6, 3)
        column.setSpacing(0)
        for text in (self.facts, self.numbers, self.error):
            text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            column.addWidget(text)
        model.changed.connect(self._show)
        self._show()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Put the sample after this step on the screen."""
        self._model.show(self._model.position(self._item))
        super().mouseReleaseEvent(event)

    def _show(self) -> None:
        index = self._model.position(self._item)
        result = self._model.result(index) if index >= 0 else None
        self.facts.say(result.facts if result else "")
        self.numbers.say(result.numbers if result else "")
        self.error.say(self._model.error if index == self._model.failed else "")
        self.setEnabled(not self._model.refresh.stale)
        self.setStyleSheet(SHOWN if index == self._model.shown else FACTS)
        self.setVisible(result is not None or index == self._model.failed)


class ProcessorsView(StepsView):
    """A key, its steps, and the sample after each of them."""

    def __init__(self, model: ProcessorsModel) -> None:
        """Follow the model."""
        super().__init__(model, "fuse-processors", lambda item: Facts(model, item))
        self.model = model
        self.keys = Combo()
        self.keys.setObjectName("key")
        self.keys.setToolTip(tooltip(model.key_help))
        self.keys.activated.connect(lambda: model.choose(self.keys.currentText()))
        self.wipe = QSlider(Qt.Orientation.Horizontal)
        self.wipe.setRange(0, WIPE_STEPS)
        self.wipe.setToolTip(tooltip(model.wipe_help))
        self.wipe.valueChanged.connect(lambda value: model.draw_wipe(value / WIPE_STEPS))
        self.round_trip = push(model.round_trip.label, model.round_trip.help, model.round_trip.ask)
        self.trip, self.kept = Text("", ""), Text()
        self.tree = KeyTreeView(model.tree, model.look_at)
        new = push(model.new_label, model.new_help, self._new)
        drop = push(model.drop_label, model.drop_help, model.drop_key)
        self.column.addLayout(line(QLabel(model.key_label), self.keys, new, drop, grows=self.keys))
        self.column.addWidget(self.state)
        self.column.addWidget(scrolled([self.steps]), 1)
        self.column.addLayout(line(QLabel(model.wipe_label), self.wipe, self.round_trip, grows=self.wipe))
        self.column.addWidget(self.trip)
        self.column.addWidget(self.kept)
        self.column.addWidget(Fold(model.tree.title, self.tree))
        model.keys_changed.connect(self._show_keys)
        model.changed.connect(self._show)
        model.round_trip.changed.connect(self._show)
        self._show_keys()
        self._show()

    def _new(self) -> None:
        key, wanted = QInputDialog.getText(self, self.model.new_label, self.model.new_question)
        if wanted:
            self.model.add_key(key)

    def _show_keys(self) -> None:
        self.keys.offer(self.model.keys, self.model.key)

    def _show(self) -> None:
        model = self.model
        self.state.say(model.state)
        self.wipe.setEnabled(model.wipe.possible)
        self.round_trip.setEnabled(model.round_trip.possible)
        self.trip.setStyleSheet(WRONG if model.round_trip.wrong else "")
        self.trip.say("\n".join(model.round_trip.lines))
        self.kept.say("\n".join(model.kept))
