"""The Augmentation panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSlider, QSpinBox, QVBoxLayout, QWidget

from fuse_gui.models.augmentation import DRAWS, AugmentationModel
from fuse_gui.qt.buttons import line, push
from fuse_gui.qt.controls import TITLE, Text, tooltip
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.steps import StepsView


class AugmentationView(StepsView):
    """The draw, what it did, and the steps that draw."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model."""
        super().__init__(model, "fuse-augmentation")
        self.model = model
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), QSpinBox()
        for control in (self.slider, self.number):
            control.setRange(1, DRAWS)
            control.setToolTip(tooltip(model.draw_help))
            control.valueChanged.connect(model.set_draw)
        self.sides = QButtonGroup(self)
        self.draw_text = Text()
        self.drawn, self.damage = Text("", ""), Text("", "")
        self.own = push(model.own_label, model.own_help, model.own_seed)
        reseed = push(model.reseed_label, model.reseed_help, model.reseed)
        self.column.addLayout(line(QLabel(model.draw_label), self.slider, self.number, grows=self.slider))
        self.column.addLayout(line(self.draw_text, reseed, self.own, grows=self.draw_text))
        self.column.addLayout(self._screen_row())
        self.column.addWidget(self.state)
        self.words = self._words()
        self.column.addWidget(scrolled([self.words, self.steps]), 1)
        model.changed.connect(self._show)
        self._show()

    def _screen_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(QLabel(self.model.show_label))
        for side, label in self.model.side_labels.items():
            choice = QPushButton(label)
            choice.setObjectName(side)
            choice.setCheckable(True)
            choice.setChecked(side == self.model.side)
            choice.clicked.connect(lambda _=False, side=side: self.model.show(side))
            self.sides.addButton(choice)
            row.addWidget(choice, 1)
        return row

    def _words(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for title, text in ((self.model.drawn_label, self.drawn), (self.model.damage_label, self.damage)):
            column.addWidget(Text(title, TITLE))
            column.addWidget(text)
        return box

    def _show(self) -> None:
        model = self.model
        self.slider.setValue(model.draw)
        self.number.setValue(model.draw)
        self.draw_text.say(model.draw_text)
        self.state.say(model.state)
        self.drawn.say("\n".join(model.drawn))
        self.damage.say(model.damage_text)
        self.words.setVisible(bool(model.drawn or model.damage_text))
        self.words.setEnabled(not model.refresh.stale)
        self.own.setEnabled(not model.is_own_seed)
