"""The hand on the Augmentation panel that ipywidgets draw."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from fuse_gui.models.steps import StepsModel
from fuse_gui.notebook.augmentation import AugmentationView
from fuse_gui.notebook.screen import compose, jpeg
from fuse_gui.notebook.stage import PIXELS
from tests.views.steps import NotebookSteps


class NotebookPanel(NotebookSteps):
    draws = AugmentationView

    def __init__(self, model: StepsModel) -> None:
        super().__init__(model)
        self.view.set_active(True)

    def button(self, text: str, root: Any = None) -> Any:
        """The button with a word, of the panel or of a part of it."""
        root = root or self.view
        if isinstance(root, W.Button) and root.description == text:
            return root
        found = [self.button(text, child) for child in getattr(root, "children", ())]
        return next(filter(None, found), None)

    def drag(self, number: int) -> None:
        self.view.draw.number.value = number

    def dice(self) -> None:
        self.view.draw.dice.click()

    def own(self) -> None:
        assert not self.view.draw.own.disabled
        self.view.draw.own.click()

    def lock(self, on: bool) -> None:
        self.view.draw.lock.value = on

    def slide(self, axis: int, place: int) -> None:
        self.view.stage.axis.value = axis
        self.view.stage.place.value = place

    def side(self, name: str) -> None:
        self.view.stage.side.value = name

    def wipe(self, share: float) -> None:
        self.view.stage.wipe.value = share

    def flicker(self, on: bool) -> None:
        self.view.stage.flicker.value = on

    def click_step(self, index: int) -> None:
        self.view.steps.cards[index].more.step.click()

    def switch(self, index: int, on: bool) -> None:
        self.view.steps.cards[index].more.on.value = on

    def fix(self, title: str) -> None:
        self.button(title, self.view.guards).click()

    def sheet(self, kind: str) -> None:
        self.view.more.selected_index = 0
        self.view.sheet.kind.value = kind

    def tile(self, index: int) -> None:
        self.wait(lambda: len(self.view.sheet.grid.children) == len(self.view.model.sheet.tiles))
        self.view.sheet.grid.children[index].choose.click()

    def histogram(self, name: str) -> None:
        self.view.more.selected_index = 1
        self.view.histograms.step.value = name

    def preset(self, name: str) -> None:
        self.view.presets.value = name

    def undo(self) -> None:
        self.wait(lambda: not self.view.undo.disabled)
        self.view.undo.click()

    def redo(self) -> None:
        self.wait(lambda: not self.view.redo.disabled)
        self.view.redo.click()

    def copy(self) -> str:
        self.view.copy.value = True
        return str(self.view.yaml.value)

    def shown(self) -> float:
        """The mean of the slice on the screen, once it is drawn."""
        model, look = self.view.model, self.view.model.look
        composed = compose(model.screen, look.place, axis=look.axis)
        assert composed is not None
        drawn = jpeg(composed, PIXELS)
        self.wait(lambda: self.view.stage.image.value == drawn)
        picture, plane = model.screen.picture("image"), look.stored
        assert picture is not None
        return float(picture.array[(slice(None),) * (1 + plane.axis) + (plane.place,)].mean())
