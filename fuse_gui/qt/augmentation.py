"""The Augmentation panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QLabel, QPushButton, QSlider, QSpinBox

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.draw import DRAWS
from fuse_gui.qt.buttons import line, push
from fuse_gui.qt.controls import HELP, Combo, Text, tooltip
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.guards import AMBER, GuardsView
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.sheet import HistogramsView, SheetView
from fuse_gui.qt.step_line import GREY, StepLine
from fuse_gui.qt.steps import StepsView
from fuse_gui.qt.still import Still

WIPE_STEPS = 200
STEPS_HIGH = 220
"""Pixels of height that the cards have at least."""


class AugmentationView(StepsView):
    """The draw, what it did, and the steps that draw."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model."""
        super().__init__(model, "fuse-augmentation", lambda item: StepLine(model, item))
        self.model = model
        self.draw_text, self.tag = Still(1, GREY, 11), Still(1, AMBER, 11)
        self.network = Text("", HELP)
        self.sides = QButtonGroup(self)
        self.sheet = Fold(model.sheet.title, SheetView(model.sheet))
        self.histograms = Fold(model.histograms.title, HistogramsView(model.histograms))
        self.column.addLayout(self._side_row())
        self.column.addLayout(self._wipe_row())
        self.column.addLayout(self._draw_row())
        row = QHBoxLayout()
        row.addWidget(self.draw_text, 3)
        row.addWidget(self.tag, 2)
        self.column.addLayout(row)
        self.column.addWidget(self.state)
        self.column.addWidget(self.network)
        self.column.addWidget(self.sheet)
        self.column.addWidget(self.histograms)
        self.column.addLayout(self._step_row())
        cards = scrolled([GuardsView(model.guards), self.steps])
        cards.setMinimumHeight(STEPS_HIGH)
        self.column.addWidget(cards, 1)
        self._known: set[int] = set()
        self._follow()

    def _follow(self) -> None:
        model = self.model
        self.sheet.head.toggled.connect(model.sheet.set_open)
        self.histograms.head.toggled.connect(model.histograms.set_open)
        for part in (model, model.draw, model.flicker, model.network):
            part.changed.connect(self._show)
        model.project.experiment_changed.connect(self._show_undo)
        model.steps.items_changed.connect(self._fold)
        self._fold()
        self._show()
        self._show_undo()

    def _fold(self) -> None:
        """Fold the cards of a list that is new; the card of a step that is added stays open."""
        new = [card for card in self.steps.cards if id(card.item) not in self._known]
        self._known = {id(card.item) for card in self.steps.cards}
        for card in new if len(new) > 1 else ():
            card.unfold(False)

    def _side_row(self) -> QHBoxLayout:
        model, row = self.model, QHBoxLayout()
        row.addWidget(QLabel(model.show_label))
        for side, label in model.side_labels.items():
            choice = QPushButton(label)
            choice.setObjectName(side)
            choice.setCheckable(True)
            choice.setToolTip(tooltip(model.side_helps[side]))
            choice.clicked.connect(lambda _=False, side=side: self._choose(side))
            self.sides.addButton(choice)
            row.addWidget(choice, 1)
        self.flicker = QPushButton(model.flicker.label)
        self.flicker.setCheckable(True)
        self.flicker.setToolTip(tooltip(model.flicker.help))
        self.flicker.toggled.connect(model.flicker.set_on)
        row.addWidget(self.flicker)
        return row

    def _choose(self, side: str) -> None:
        self.model.flicker.set_on(False)
        self.model.show(side)

    def _wipe_row(self) -> QHBoxLayout:
        self.wipe = QSlider(Qt.Orientation.Horizontal)
        self.wipe.setRange(0, WIPE_STEPS)
        self.wipe.setToolTip(tooltip(self.model.wipe_help))
        self.wipe.valueChanged.connect(lambda value: self.model.draw_wipe(value / WIPE_STEPS))
        return line(QLabel(self.model.wipe_label), self.wipe, grows=self.wipe)

    def _draw_row(self) -> QHBoxLayout:
        draw = self.model.draw
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), QSpinBox()
        for control in (self.slider, self.number):
            control.setRange(1, DRAWS)
            control.setToolTip(tooltip(draw.help))
            control.valueChanged.connect(draw.set_number)
        self.dice = push(draw.dice_label, draw.dice_help, draw.throw_dice)
        self.own = push(draw.own_label, draw.own_help, draw.own_seed)
        self.lock = QCheckBox(draw.lock_label)
        self.lock.setToolTip(tooltip(draw.lock_help))
        self.lock.toggled.connect(draw.set_locked)
        parts = (QLabel(draw.label), self.slider, self.number, self.dice, self.lock, self.own)
        return line(*parts, grows=self.slider)

    def _step_row(self) -> QHBoxLayout:
        model = self.model
        self.step_text = Still(1, GREY, 11)
        self.copy = push(model.copy_label, model.copy_help, self._copy)
        self.undo = push(model.undo_label, "", model.project.undo)
        self.redo = push(model.redo_label, "", model.project.redo)
        self.presets = Combo()
        self.presets.addItem(model.presets.label)
        for name in model.presets.names:
            self.presets.addItem(model.presets.title(name), name)
            self.presets.setItemData(self.presets.count() - 1, tooltip(model.presets.help(name)), Qt.ToolTipRole)
        self.presets.activated.connect(self._use)
        parts = (self.step_text, self.presets, self.copy, self.undo, self.redo)
        return line(*parts, grows=self.step_text)

    def _use(self, index: int) -> None:
        self.presets.setCurrentIndex(0)
        if index:
            self.model.presets.use(self.presets.itemData(index))

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.model.as_yaml())

    def _show(self) -> None:
        model = self.model
        for control in (self.slider, self.number):
            control.blockSignals(True)
            control.setValue(model.draw.number)
            control.blockSignals(False)
        self.lock.setChecked(model.draw.locked)
        self.own.setEnabled(not model.draw.is_own)
        self.flicker.setChecked(model.flicker.on)
        for choice in self.sides.buttons():
            choice.setChecked(choice.objectName() == model.side)
        self.wipe.setEnabled(model.side == "after")
        self.draw_text.say(model.draw.text)
        self.tag.say(model.tag if model.side == "after" else "")
        self.step_text.say(model.step_text)
        _say(self.state, model.state)
        lines = (model.network.state, *model.network.lines) if model.side == "network" else ()
        _say(self.network, "\n".join(filter(None, lines)))

    def _show_undo(self) -> None:
        self.undo.setEnabled(self.model.project.can_undo)
        self.redo.setEnabled(self.model.project.can_redo)


def _say(text: Text, words: str) -> None:
    """Show other words; the same ones would be laid out anew."""
    if text.text() != words:
        text.say(words)
