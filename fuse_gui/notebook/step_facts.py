"""What the Augmentation panel adds to the card of a step in a notebook."""

from __future__ import annotations

import threading

import ipywidgets as W

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.field import Item
from fuse_gui.notebook.controls import Text, button, show

DIM = "color: #9aa0a8; font-size: 12px"
PLAIN = "font-size: 12px"


class StepFactsView(W.HBox):  # type: ignore[misc]
    """The switch of a step, the button that shows the sample after it, and what it drew."""

    def __init__(self, model: AugmentationModel, item: Item) -> None:
        """Follow the model."""
        self._model, self._item, self._quiet, self._drawing = model, item, False, threading.RLock()
        self.on = W.Checkbox(description=model.on_label, tooltip=model.on_help, indent=False)
        self.on.layout.width, self.on.layout.margin = "auto", "0 10px 0 4px"
        self.step = button("▶", model.step_help, lambda: model.show_step(item), "32px")
        self.drawn, self.time = Text("", PLAIN), Text("", DIM)
        self.drawn.layout.flex, self.time.layout.flex = "1 1 auto", "0 0 auto"
        super().__init__([self.step, self.on, self.drawn, self.time], layout={"align_items": "center"})
        self.on.observe(self._switch, "value")
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what is known of the step now."""
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            facts = self._model.facts(self._item)
            self._quiet = True
            self.on.value = self._model.is_on(self._item)
            self._quiet = False
            self.drawn.restyle(PLAIN if facts and facts.applied else DIM)
            self.drawn.say(facts.drawn if facts else "")
            self.time.say(facts.time if facts else "")
            self.step.button_style = "info" if facts and facts.shown else ""
            show(self.step, self._model.position(self._item) >= 0)

    def _switch(self, change: dict[str, bool]) -> None:
        if not self._quiet:
            self._model.switch(self._item, change["new"])
