"""The batch microscope in a notebook."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W

from fuse_gui.models.history import History
from fuse_gui.models.microscope import Microscope, Seen
from fuse_gui.notebook.controls import HELP, TITLE, Text, button, show
from fuse_gui.notebook.screen import ScreenView

ROWS = 8
"""Samples that are seen without scrolling."""


class MicroscopeView(W.VBox):  # type: ignore[misc]
    """The step whose batch is opened, its samples, and the picture of the chosen one."""

    def __init__(self, model: Microscope) -> None:
        """Follow the model, which has a screen of its own."""
        self.model, self._quiet, self._drawing = model, False, threading.RLock()
        self._listed: tuple[Seen, ...] = ()
        self.step = W.IntSlider(description=model.step_label, max=0, continuous_update=False, disabled=True)
        self.step.layout.flex = "1 1 auto"
        self.open_batch = button(model.open_label, model.open_help, lambda: model.open(self.step.value))
        self.close_batch = button(model.close_label, model.close_help, model.close)
        self.state, self.note, self.drawn = Text("", ""), Text("", HELP), Text("", "")
        self.title = Text(model.drawn_label, TITLE)
        self.samples = W.Select(rows=ROWS, layout={"width": "100%"})
        self.screen = ScreenView(model.screen)
        listed = W.VBox([self.samples, self.title, self.drawn], layout={"flex": "1 1 420px", "min_width": "0"})
        pictured = W.VBox([self.screen], layout={"flex": "0 1 400px"})
        self._body = W.Box([listed, pictured], layout={"flex_flow": "row wrap"})
        head = W.HBox([self.step, self.open_batch, self.close_batch])
        super().__init__([head, self.state, self.note, self._body])
        self.add_class("fuse-microscope")
        self.samples.observe(self._choose, "index")
        model.changed.connect(self.draw)
        self.draw()

    def offer(self, history: History) -> None:
        """Offer the steps that a run has reported."""
        with self._drawing:
            steps = history.steps
            self.step.disabled = self.open_batch.disabled = not steps
            if steps and (self.step.min, self.step.max) != (steps[0], steps[-1]):
                newest = self.step.value == self.step.max
                self.step.min, self.step.max = 0, steps[-1]
                self.step.min = steps[0]
                self.step.value = steps[-1] if newest else self.step.value

    def draw(self) -> None:
        """Show the batch as it is now."""
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model = self.model
        self.state.say(model.state if model.is_open else "")
        self.note.say(model.note)
        self.drawn.say("\n".join(model.drawn))
        show(self.title, bool(model.drawn))
        show(self.close_batch, model.is_open)
        show(self._body, bool(model.samples))
        self._quiet = True
        if self._listed is not model.samples:
            self._listed = model.samples
            self.samples.options = [(sample.text, index) for index, sample in enumerate(model.samples)]
        self.samples.index = model.chosen if model.chosen >= 0 else None
        self._quiet = False

    def _choose(self, change: dict[str, Any]) -> None:
        if not self._quiet and change["new"] is not None:
            self.model.choose(change["new"])
