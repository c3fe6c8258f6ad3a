"""The hand on the Data panel that Qt draws."""

from __future__ import annotations

from typing import Any

import pytest

from fuse_gui.models.data import DataModel


class QtHand:
    def __init__(self, model: DataModel, bot: Any) -> None:
        from fuse_gui.qt.data import DataView

        self.view, self.bot = DataView(model), bot
        bot.addWidget(self.view)
        self.view.resize(700, 1000)
        self.view.show()

    def work(self) -> None:
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()

    def ids(self) -> list[str]:
        table = self.view.table.model()
        return [table.index(row, 1).data() for row in range(table.rowCount())]

    def pictures(self) -> bool:
        image = self.view.table.grab().toImage()
        return image.pixelColor(20, 150).getRgb()[:3] == (8, 8, 8) and self.view.table.columnWidth(0) > 140

    def key(self, letter: str) -> None:
        self.bot.keyClicks(self.view.table, letter)

    def choose(self, positions: list[int]) -> None:
        from qtpy.QtCore import Qt

        self.click(positions[0])
        table = self.view.table
        for position in positions[1:]:
            at = table.visualRect(table.model().index(position, 1)).center()
            self.bot.mouseClick(
                table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at
            )

    def menu(self, place: str) -> list[str]:
        menu = self.view.pictured.menus[place]
        return [menu.itemText(index) for index in range(menu.count())] if menu.isVisible() else []

    def pick(self, place: str, key: str) -> None:
        menu = self.view.pictured.menus[place]
        menu.setCurrentText(key)
        menu.activated.emit(menu.currentIndex())

    def click(self, position: int) -> None:
        from qtpy.QtCore import Qt

        table = self.view.table
        at = table.visualRect(table.model().index(position, 1)).center()
        self.bot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)

    def press(self, button: str) -> None:
        getattr(self.view, button).click()

    def type(self, text: str) -> None:
        self.view.filter.clear()
        self.bot.keyClicks(self.view.filter, text)

    def words(self) -> str:
        from qtpy.QtWidgets import QTreeWidgetItemIterator

        lines, found = [], QTreeWidgetItemIterator(self.view.details)
        while found.value() is not None:
            lines.append(": ".join(found.value().text(column) for column in (0, 1)))
            found += 1
        health = self.view.health
        texts = (self.view.sample, self.view.error, self.view.shown, health.remarks, health.progress)
        return "\n".join([*(text.text() for text in texts), *lines])

    def check(self, name: str) -> str:
        return str(self.view.health.chips[name].text())

    def click_check(self, name: str) -> None:
        self.view.health.chips[name].click()

    def sort(self, column: str) -> None:
        from qtpy.QtCore import Qt

        place = self.view.model.rows.columns.index(column)
        self.view.table.sortByColumn(place + 1, Qt.SortOrder.DescendingOrder)

    def groups(self) -> list[str]:
        self.view.columns.open()
        tree = self.view.statistics.groups
        rows = (tree.topLevelItem(index) for index in range(tree.topLevelItemCount()))
        return [f"{row.text(0)} {row.text(1)}" for row in rows]

    def click_group(self, index: int) -> None:
        tree = self.view.statistics.groups
        tree.itemClicked.emit(tree.topLevelItem(index), 0)

    def exclude(self, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from qtpy.QtWidgets import QInputDialog

        monkeypatch.setattr(QInputDialog, "getItem", staticmethod(lambda *_: (reason, True)))
        self.view.exclude.click()
