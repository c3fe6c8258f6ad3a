"""The Augmentation panel drawn with ipywidgets: what the steps do to the chosen sample, live."""

from __future__ import annotations

import threading

import ipywidgets as W

from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.notebook.controls import button, show
from fuse_gui.notebook.draw import LINE, DrawView
from fuse_gui.notebook.guards import GuardsView
from fuse_gui.notebook.histograms import HistogramsView
from fuse_gui.notebook.sheet import SheetView
from fuse_gui.notebook.stage import StageView
from fuse_gui.notebook.step_facts import StepFactsView
from fuse_gui.notebook.steps import StepsView

SCROLLED = {"max_height": "820px", "overflow": "hidden auto", "display": "block"}
"""The cards scroll beside the picture, which stays in sight."""


class AugmentationView(StepsView):
    """The draw, the steps as cards, the picture, and below them the contact sheet and the histograms."""

    def __init__(self, model: AugmentationModel) -> None:
        """Follow the model, which has a screen of its own."""
        super().__init__(model, "fuse-augmentation", lambda item: StepFactsView(model, item))
        self.model, self._drawing = model, threading.RLock()
        self.draw, self.stage, self.guards = DrawView(model.draw), StageView(model), GuardsView(model.guards)
        self.sheet = SheetView(model.sheet, model.draw, model.look)
        self.histograms = HistogramsView(model.histograms)
        self.more = W.Accordion([self.sheet, self.histograms])
        self.more.titles = (model.sheet.title, model.histograms.title)
        self.yaml = W.Textarea(rows=12, layout={"width": "100%"})
        left = W.VBox([self.steps], layout={"flex": "1 1 420px", "min_width": "0", **SCROLLED})
        right = W.VBox([self.stage, self.guards], layout={"flex": "1 1 400px", "min_width": "0"})
        both = W.Box([left, right], layout={"flex_flow": "row wrap"})
        self.children = (self.problems, self._head(), self.draw, self.state, self.yaml, both, self.more)
        self.more.observe(lambda _: self._open(), "selected_index")
        model.changed.connect(self._show)
        model.project.experiment_changed.connect(self._show)
        self._show()

    def _head(self) -> W.Widget:
        model, project = self.model, self.model.project
        self.undo = button(model.undo_label, "", project.undo)
        self.redo = button(model.redo_label, "", project.redo)
        self.copy = W.ToggleButton(description=model.copy_label, tooltip=model.copy_help, layout={"width": "auto"})
        self.copy.observe(lambda _: self._show(), "value")
        found = [(model.presets.title(name), name) for name in model.presets.names]
        helps = [f"{title}: {model.presets.help(name)}" for title, name in found]
        self.presets = W.Dropdown(
            options=[(model.presets.label, ""), *found],
            value="",
            tooltip="\n".join(helps),
            layout={"width": "auto"},
        )
        self.presets.add_class("fuse-presets")
        self.presets.observe(lambda change: self._use(change["new"]), "value")
        return W.Box([self.undo, self.redo, self.presets, self.copy], layout=LINE)

    def _use(self, preset: str) -> None:
        if preset:
            self.model.presets.use(preset)
            self.presets.value = ""

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then anything is computed."""
        self.model.set_active(active)
        self._open()

    def _open(self) -> None:
        """Have made only what is looked at."""
        shown = self.more.selected_index if self.model.active else None
        self.model.sheet.set_open(shown == 0)
        self.model.histograms.set_open(shown == 1)

    def _show(self) -> None:
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model, project = self.model, self.model.project
        self.state.say(model.state)
        self.draw.draw()
        self.undo.disabled, self.redo.disabled = not project.can_undo, not project.can_redo
        show(self.yaml, self.copy.value)
        if self.copy.value:
            self.yaml.value = model.as_yaml()
