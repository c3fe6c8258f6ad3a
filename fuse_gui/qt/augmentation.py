"""The Augmentation panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSlider, QSpinBox, QVBoxLayout, QWidget

from fuse_gui.models.augmentation import DRAWS, AugmentationModel
from fuse_gui.models.strip import StripModel
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import TITLE, Text, tooltip
from fuse_gui.qt.form import list_of
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.strip import Strip


class AugmentationView(QWidget):  # type: ignore[misc]
    """The draw, what it did, and the steps that draw."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-augmentation")
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), QSpinBox()
        for control in (self.slider, self.number):
            control.setRange(1, DRAWS)
            control.setToolTip(tooltip(model.draw_help))
            control.valueChanged.connect(model.set_draw)
        self.sides = QButtonGroup(self)
        self.draw_text, self.state = Text(), Text("", "")
        self.drawn, self.damage = Text("", ""), Text("", "")
        self.own = push(model.own_label, model.own_help, model.own_seed)
        column = QVBoxLayout(self)
        column.addWidget(Strip(StripModel(model.project)))
        column.addLayout(self._draw_row())
        column.addLayout(self._seed_row())
        column.addLayout(self._screen_row())
        column.addWidget(self.state)
        self.words = self._words()
        column.addWidget(scrolled([self.words, list_of(model.steps)]), 1)
        model.changed.connect(self._show)
        self._show()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Compute while the panel is looked at."""
        super().showEvent(event)
        self.model.set_active(True)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Leave the screen to the others while nobody looks."""
        super().hideEvent(event)
        self.model.set_active(False)

    def _draw_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(QLabel(self.model.draw_label))
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        return row

    def _seed_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.draw_text, 1)
        row.addWidget(push(self.model.reseed_label, self.model.reseed_help, self.model.reseed))
        row.addWidget(self.own)
        return row

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
