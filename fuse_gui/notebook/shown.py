"""Menus for which pictures of the sample are on the screen, in a notebook; there while there is a choice."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from fuse_gui.models.shown import Shown
from fuse_gui.notebook.controls import show

WHOLE = {"description_width": "initial"}
"""Style of a menu whose name is not cut off."""


class ShownView(W.VBox):  # type: ignore[misc]
    """A menu for the image, and one for the label map."""

    def __init__(self, model: Shown) -> None:
        """Follow the model."""
        self._model = model
        self.menus = {
            place: W.Dropdown(description=label, tooltip=model.helps[place], style=WHOLE, layout={"width": "auto"})
            for place, label in model.labels.items()
        }
        super().__init__(list(self.menus.values()))
        for place, menu in self.menus.items():
            menu.observe(lambda change, place=place: self._choose(place, change["new"]), "value")
        model.changed.connect(self._show)
        self._show()

    def _choose(self, place: str, key: Any) -> None:
        known = self._model.keys.get(place, ())
        if key and key != self._model.key.get(place) and self.menus[place].options == known:
            self._model.choose(key)

    def _show(self) -> None:
        for place, menu in self.menus.items():
            keys = self._model.keys.get(place, ())
            if menu.options != keys:
                menu.options = ()
                menu.options = keys
            menu.value = self._model.key.get(place)
            show(menu, len(keys) > 1)
