"""What the panels share that draw steps as a list of cards with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout

from fuse_gui.models.steps import StepsModel
from fuse_gui.models.strip import StripModel
from fuse_gui.qt.cards import More
from fuse_gui.qt.controls import Text
from fuse_gui.qt.form import list_of
from fuse_gui.qt.live import LiveView
from fuse_gui.qt.strip import Strip


class StepsView(LiveView):
    """The problems, the state and the cards of the steps; a panel adds the last two where they belong."""

    def __init__(self, model: StepsModel, name: str, more: More = lambda item: None) -> None:
        """Follow the model; `more` returns what the panel adds to the card of a step."""
        super().__init__(model)
        self.setObjectName(name)
        self.state = Text("", "")
        self.steps = list_of(model.steps, more)
        self.column = QVBoxLayout(self)
        self.column.addWidget(Strip(StripModel(model.project)))
