"""Which draw of the augmentation is looked at, in a notebook."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.draw import DRAWS, DrawModel
from fuse_gui.notebook.controls import Text, button

LINE = {"flex_flow": "row wrap", "align_items": "center"}
"""Controls side by side, and on the next line where there is no room."""


class DrawView(W.VBox):  # type: ignore[misc]
    """A slider over the draws of a seed, dice for another seed, and the way back."""

    def __init__(self, model: DrawModel) -> None:
        """Follow the model."""
        self._model, self._quiet = model, False
        self.number = W.IntSlider(description=model.label, min=1, max=DRAWS, tooltip=model.help)
        self.dice = button(model.dice_label, model.dice_help, model.throw_dice)
        self.own = button(model.own_label, model.own_help, model.own_seed)
        self.number.layout.flex = "1 1 300px"
        self.lock = W.ToggleButton(
            description=model.lock_label, tooltip=model.lock_help, icon="lock", layout={"width": "auto"}
        )
        self.text = Text("", "")
        super().__init__([W.Box([self.number, self.dice, self.own, self.lock], layout=LINE), self.text])
        for name, widget in (("number", self.number), ("dice", self.dice), ("lock", self.lock)):
            widget.add_class(f"fuse-draw-{name}")
        self.number.observe(self._dragged, "value")
        self.lock.observe(lambda change: model.set_locked(change["new"]), "value")
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the draw as it is now."""
        model = self._model
        self._quiet = True  # while a corner is looked at, the slider stays where it was
        self.number.value = model.number
        self._quiet = False
        self.lock.value = model.locked
        self.own.disabled = model.is_own
        self.text.say(model.text)

    def _dragged(self, change: dict[str, int]) -> None:
        if not self._quiet:
            self._model.set_number(change["new"])
