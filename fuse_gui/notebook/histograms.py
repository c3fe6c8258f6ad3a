"""Histograms of what a step draws, in a notebook."""

from __future__ import annotations

import threading

import ipywidgets as W

from fuse_gui.models.histograms import Histograms
from fuse_gui.models.plot import Figure
from fuse_gui.notebook.controls import Text
from fuse_gui.notebook.plot import PlotView

WIDTH, HEIGHT = 300, 180


class HistogramsView(W.VBox):  # type: ignore[misc]
    """A menu of the steps, and a plot for each parameter of the chosen one."""

    def __init__(self, model: Histograms) -> None:
        """Follow the model."""
        self._model, self._quiet, self._drawing = model, False, threading.RLock()
        self.step = W.Dropdown(description=model.step_label, tooltip=model.step_help)
        self.state, self.plots = Text(), W.Box(layout={"flex_flow": "row wrap"})
        self._plots: list[PlotView] = []
        super().__init__([self.step, self.state, self.plots])
        self.add_class("fuse-histograms")
        self.step.observe(self._choose, "value")
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the histograms as they are now."""
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model, axes = self._model, self._model.figure.axes
        self._quiet = True
        if self.step.options != model.names:
            self.step.options = model.names
        self.step.value = model.name or None
        self._quiet = False
        self.state.say(model.state)
        while len(self._plots) < len(axes):
            self._plots.append(PlotView(WIDTH, HEIGHT))
        for one, plot in zip(axes, self._plots, strict=False):
            plot.draw(Figure((one,)))
        if len(self.plots.children) != len(axes):
            self.plots.children = tuple(self._plots[: len(axes)])

    def _choose(self, change: dict[str, str | None]) -> None:
        if not self._quiet and change["new"]:
            self._model.choose(change["new"])
