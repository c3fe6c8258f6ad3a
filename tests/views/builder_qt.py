"""The hand on the Model panel that Qt draws."""

from __future__ import annotations

from typing import Any

from fuse_gui.models.builder import BuilderModel


class QtBuilder:
    def __init__(self, model: BuilderModel, bot: Any) -> None:
        from fuse_gui.qt.builder import BuilderView

        self.model, self.bot, self.view = model, bot, BuilderView(model)
        bot.addWidget(self.view)
        self.view.resize(500, 1000)
        self.view.show()

    def wait(self, condition: Any) -> None:
        self.bot.waitUntil(condition)

    def words(self) -> str:
        from qtpy.QtWidgets import QLabel

        return "\n".join(text.text() for text in self.view.findChildren(QLabel) if text.isVisible())

    def drawn(self) -> list[str]:
        return [line for drawn in self.view.graph.canvas.layout_of.nodes for line in drawn.lines]

    def red(self) -> int:
        image = self.view.graph.canvas.grab().toImage()
        spots = [image.pixelColor(x, y) for x in range(0, image.width(), 2) for y in range(image.height())]
        return sum(c.red() > 200 and c.green() < 110 and c.blue() < 120 for c in spots)

    def click_node(self, name: str) -> None:
        from qtpy.QtCore import QPoint, Qt

        canvas = self.view.graph.canvas
        box = next(d.box for d in canvas.layout_of.nodes if d.node.id == name)
        spot = QPoint(int(box.middle), int(box.y + box.high / 2))
        self.bot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=spot)

    def shows(self, part: str, name: str) -> bool:
        """Whether a field of a part can be seen."""
        from qtpy.QtWidgets import QApplication, QWidget

        QApplication.processEvents()
        return any(not found.visibleRegion().isEmpty() for found in self.view.findChildren(QWidget, name))

    def palette(self, words: str) -> list[str]:
        self.view.palette_fold.open()
        box = self.parts
        box.words.setText(words)
        box.words.textEdited.emit(words)
        return [box.list.item(row).text() for row in range(box.list.count())]

    @property
    def parts(self) -> Any:
        from fuse_gui.qt.part_palette import PartPaletteView

        return self.view.findChild(PartPaletteView)

    def add(self, label: str) -> None:
        box = self.parts
        rows = [box.list.item(row).text() for row in range(box.list.count())]
        box.list.setCurrentRow(rows.index(label))
        box.add.click()

    def press(self, text: str) -> None:
        from qtpy.QtWidgets import QAbstractButton

        found = [b for b in self.view.findChildren(QAbstractButton) if b.text() == text and b.isVisible()]
        assert found[0].isEnabled()
        found[0].click()

    def template(self, name: str) -> None:
        self.view.templates.activated.emit(self.view.templates.findData(name))

    def keep(self, name: str) -> None:
        self.view.palette_fold.open()
        self.parts.name.setText(name)
        self.press(self.model.palette.save_label)

    def open_preflight(self) -> None:
        self.view.preflight_fold.open()

    def rename(self, old: str, new: str) -> None:
        from qtpy.QtWidgets import QLineEdit

        edit = next(e for e in self.view.findChildren(QLineEdit, "name") if e.text() == old)
        edit.setText(new)
        edit.editingFinished.emit()

    def unfold(self) -> None:
        from fuse_gui.qt.cards import Card

        for card in self.view.findChildren(Card):
            card.unfold()

    def offered(self, field: str) -> list[str]:
        from qtpy.QtWidgets import QComboBox

        menu = self.view.findChildren(QComboBox, field)[0]
        return [menu.itemText(index) for index in range(menu.count())]
