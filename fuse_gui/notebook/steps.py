"""What the panels share that draw steps as a list of cards with ipywidgets."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.steps import StepsModel
from fuse_gui.models.strip import StripModel
from fuse_gui.notebook.cards import More
from fuse_gui.notebook.controls import WRONG, Text
from fuse_gui.notebook.form import list_of


class StepsView(W.VBox):  # type: ignore[misc]
    """The problems, the state and the cards of the steps; a panel puts them where they belong."""

    def __init__(self, model: StepsModel, name: str, more: More = lambda item: None) -> None:
        """Follow the model; `more` returns what the panel adds to the card of a step."""
        super().__init__()
        self.add_class(name)
        self.problems, self.state = Text("", WRONG), Text("", "")
        self.steps = list_of(model.steps, more)
        self._strip = StripModel(model.project)
        self._strip.changed.connect(self._show_problems)
        self._show_problems()

    def _show_problems(self) -> None:
        self.problems.say(self._strip.text)
