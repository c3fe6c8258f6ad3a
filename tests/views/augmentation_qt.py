"""The hand on the Augmentation panel that Qt draws."""

from __future__ import annotations

from typing import Any

from fuse_gui.qt.augmentation import AugmentationView
from fuse_gui.qt.step_line import StepLine
from fuse_gui.qt.still import Still
from tests.views.steps import QtSteps


class QtPanel(QtSteps):
    draws = AugmentationView

    def words(self) -> str:
        stills = [text.text() for text in self.view.findChildren(Still)]
        return "\n".join([super().words(), *stills])

    def button(self, text: str) -> Any:
        from qtpy.QtWidgets import QAbstractButton

        found = [button for button in self.view.findChildren(QAbstractButton) if button.text() == text]
        return found[0]

    def drag(self, number: int) -> None:
        self.view.slider.setValue(number)

    def dice(self) -> None:
        self.view.dice.click()

    def own(self) -> None:
        self.view.own.click()

    def lock(self, on: bool) -> None:
        self.view.lock.setChecked(on)

    def slide(self, axis: int, place: int) -> None:
        self.view.model.look.move_to(axis, place)

    def side(self, name: str) -> None:
        self.button(self.view.model.side_labels[name]).click()

    def wipe(self, share: float) -> None:
        self.view.wipe.setValue(round(share * self.view.wipe.maximum()))

    def flicker(self, on: bool) -> None:
        self.view.flicker.setChecked(on)

    def click_step(self, index: int) -> None:
        from qtpy.QtCore import Qt

        line = self.view.steps.cards[index].findChild(StepLine)
        self.bot.mouseClick(line, Qt.MouseButton.LeftButton)

    def switch(self, index: int, on: bool) -> None:
        self.view.steps.cards[index].findChild(StepLine).switch.setChecked(on)

    def fix(self, title: str) -> None:
        self.button(title).click()

    def sheet(self, kind: str) -> None:
        self.view.sheet.head.setChecked(True)
        self.button(self.view.model.sheet.kinds[kind]).click()

    def tile(self, index: int) -> None:
        sheet = self.view.model.sheet
        high, wide = sheet.tiles[0].picture.shape[:2]
        row, column = divmod(index, sheet.columns)
        assert sheet.tile_at((column * wide) + wide // 2, (row * high) + high // 2) == index
        sheet.choose(index)

    def histogram(self, name: str) -> None:
        self.view.histograms.head.setChecked(True)
        self.view.model.histograms.choose(name)

    def preset(self, name: str) -> None:
        combo = self.view.presets
        combo.activated.emit(combo.findData(name))

    def undo(self) -> None:
        self.view.undo.click()

    def redo(self) -> None:
        self.view.redo.click()

    def copy(self) -> str:
        from qtpy.QtWidgets import QApplication

        self.view.copy.click()
        return str(QApplication.clipboard().text())

    def shown(self) -> float:
        picture = self.view.model.screen.picture("image")
        plane = self.view.model.look.stored
        cut = (slice(None),) * (1 + plane.axis) + (plane.place,)
        return float(picture.array[cut].mean())
