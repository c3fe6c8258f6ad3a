"""The palette of parts drawn with Qt."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.graph_look import COLOURS
from fuse_gui.models.part_palette import Part
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, Combo, Text, tooltip

ROW_HIGH, LIST_HIGH = 20, 150


class PartPaletteView(QWidget):  # type: ignore[misc]
    """A search, the parts that fit it, the sentence of the chosen one, and the button that adds it."""

    def __init__(self, builder: BuilderModel) -> None:
        """Follow the model; the list is filled when it is seen."""
        super().__init__()
        model = self.model = builder.palette
        self._builder = builder
        self._shown: list[Part] = []
        self.words, self.kind, self.list = QLineEdit(), Combo(), QListWidget()
        self.words.setPlaceholderText(model.hint)
        self.words.setClearButtonEnabled(True)
        self.words.textEdited.connect(model.search)
        self.kind.addItems(list(model.kind_labels.values()))
        self.kind.activated.connect(lambda index: model.choose_kind(list(model.kind_labels)[index]))
        self.list.setObjectName("fuse-parts")
        self.list.setFixedHeight(LIST_HIGH)
        self.list.setUniformItemSizes(True)
        self.list.currentRowChanged.connect(lambda _: self._say())
        self.list.itemDoubleClicked.connect(lambda _: self._add())
        self.sentence, self.note = Text("", HELP), Text("", HELP)
        self.add = push(model.add_label, "", self._add)
        self.name = QLineEdit()
        self.name.setPlaceholderText(model.name_hint)
        self.save = push(model.save_label, model.save_help, self._save)
        self._arrange()
        model.changed.connect(self._show)
        builder.graph.changed.connect(self._show_save)
        self._show_save()

    def _arrange(self) -> None:
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.words, 2)
        head.addWidget(self.kind, 1)
        head.addWidget(self.add)
        foot.addWidget(self.name, 1)
        foot.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.list)
        column.addWidget(self.sentence)
        column.addWidget(self.note)
        column.addLayout(foot)

    def showEvent(self, event: object) -> None:
        """Fill the list."""
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        parts = self.model.parts if self.isVisible() else self._shown
        if parts != self._shown:
            self._shown = parts
            row = max(self.list.currentRow(), 0)
            self.list.clear()
            for part in parts:
                line = QListWidgetItem(part.label)
                line.setToolTip(tooltip(part.sentence))
                line.setData(Qt.ItemDataRole.UserRole, COLOURS[part.kind])
                self.list.addItem(line)
            self.list.setCurrentRow(min(row, len(parts) - 1))
        self.note.say(self.model.note if self.isVisible() else "")
        self._say()

    def _say(self) -> None:
        row = self.list.currentRow()
        chosen = self._shown[row] if 0 <= row < len(self._shown) else None
        self.sentence.say(self.model.told(chosen) if chosen else self.model.nothing)
        self.add.setEnabled(chosen is not None)

    def _add(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._shown):
            self.model.add(self._shown[row])

    def _save(self) -> None:
        self._builder.save_chosen(self.name.text())

    def _show_save(self) -> None:
        kept = bool(self._builder.graph.chosen) and self._builder.chosen_entry is not None
        self.name.setVisible(kept)
        self.save.setVisible(kept)
