"""What stands in a column, in a notebook: figures, a picture of the counts, and the groups."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from fuse_gui.models.statistics import StatisticsModel
from fuse_gui.notebook.controls import Text
from fuse_gui.notebook.plot import PlotView

WIDTH, HEIGHT = 480, 220


class StatisticsView(W.VBox):  # type: ignore[misc]
    """A column of the rows that are seen; choosing a group keeps these rows only."""

    def __init__(self, model: StatisticsModel, toggle: Callable[[str], None]) -> None:
        """Follow the model; `toggle` is called with a condition of the filter."""
        self.model = model
        self.column = W.Dropdown(description=model.column_label, options=[])
        self.words = Text("", "")
        self.plot = PlotView(WIDTH, HEIGHT)
        self.groups = W.Select(options=[], rows=10, layout={"width": "24em"})
        super().__init__([self.column, self.words, W.HBox([self.plot, self.groups])])
        self.add_class("fuse-statistics")
        self._drawing = False
        self.column.observe(lambda change: self._choose(change["new"]), "value")
        self.groups.observe(lambda change: self._picked(change["new"], toggle), "value")
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the column as it is now."""
        model = self.model
        self._drawing = True
        try:
            if list(self.column.options) != model.columns:
                self.column.options = model.columns
            self.column.value = model.column if model.column in model.columns else None
            self.groups.options = [(group.line, group.condition) for group in model.groups]
            self.groups.value = None
        finally:
            self._drawing = False
        self.words.say(model.words)
        self.plot.draw(model.figure())

    def _choose(self, column: str | None) -> None:
        if column and not self._drawing:
            self.model.choose(column)

    def _picked(self, condition: str | None, toggle: Callable[[str], None]) -> None:
        if condition and not self._drawing:
            toggle(condition)
