"""The Model panel drawn with ipywidgets: the drawing, the palette, the forms, and a step that is tried."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W

from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.graph_look import svg
from fuse_gui.models.strip import StripModel
from fuse_gui.notebook.controls import WRONG, Text, button, drop, show
from fuse_gui.notebook.draw import LINE
from fuse_gui.notebook.form import render
from fuse_gui.notebook.part_palette import PartPaletteView
from fuse_gui.notebook.preflight import PreflightView

DRAWN = 560
"""Pixels that the drawing is wide."""
SCROLLED = {"max_height": "820px", "overflow": "hidden auto", "display": "block"}


class BuilderView(W.VBox):  # type: ignore[misc]
    """The drawing with the palette and the preflight on the left, the forms on the right."""

    def __init__(self, model: BuilderModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model, self._drawing, self._quiet, self._fixed = model, threading.RLock(), False, object()
        self.add_class("fuse-model")
        self.problems, self.state, self.size, self.wrong = Text("", WRONG), Text(), Text(), Text("", WRONG)
        self._strip = StripModel(model.project)
        self.graph, self.fixes = W.HTML(), W.Box(layout=LINE)
        self.graph.add_class("fuse-graph")
        self.chooser = W.Dropdown(options=[(model.show_label, "")], value="", layout={"width": "auto"})
        self.chooser.add_class("fuse-graph-parts")
        self.palette, self.preflight = PartPaletteView(model), PreflightView(model.preflight)
        self.more = W.Accordion([self.palette, self.preflight])
        self.more.titles = (model.palette.title, model.preflight.title)
        self.forms = W.Accordion([render(item) for item in model.items.values()], selected_index=0)
        self.forms.titles = tuple(name.capitalize() for name in model.items)
        self._arrange()
        self.chooser.observe(self._choose, "value")
        self._strip.changed.connect(self.draw)
        model.graph.changed.connect(self.draw)
        model.undo_changed.connect(self.draw)
        model.chosen_changed.connect(lambda: self._open(model.chosen_place))
        model.palette.added.connect(self._open)
        self.draw()

    def _arrange(self) -> None:
        model, templates = self.model, self.model.templates
        self.undo = button(model.undo_label, "", model.project.undo)
        self.redo = button(model.redo_label, "", model.project.redo)
        found = [(templates.title(name), name) for name in templates.names]
        told = "\n".join(f"{title}: {templates.help(name)}" for title, name in found)
        self.templates = W.Dropdown(
            options=[(templates.label, ""), *found], value="", tooltip=told, layout={"width": "auto"}
        )
        self.templates.add_class("fuse-templates")
        self.templates.observe(lambda change: self._use(change["new"]), "value")
        head = W.Box([self.undo, self.redo, self.templates, self.chooser], layout=LINE)
        drawn = [self.wrong, self.fixes, self.graph, self.state, self.size, self.more]
        left = W.VBox(drawn, layout={"flex": "1 1 420px", "min_width": "0"})
        right = W.VBox([self.forms], layout={"flex": "1 1 420px", "min_width": "0", **SCROLLED})
        self.children = (self.problems, head, W.Box([left, right], layout={"flex_flow": "row wrap"}))

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then the model is drawn."""
        self.model.set_active(active)

    def draw(self) -> None:
        """Show what is known now."""
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            model, graph, project = self.model, self.model.graph, self.model.project
            self.problems.say(self._strip.text)
            self.undo.disabled, self.redo.disabled = not project.can_undo, not project.can_redo
            self.state.say(graph.state)
            self.size.say(graph.graph.size)
            self.wrong.say(graph.sentence)
            self.graph.value = svg(graph.layout(DRAWN), graph.chosen, graph.stale) if graph.graph.nodes else ""
            self._offer(model)
            if graph.wrong is not self._fixed:
                self._fixed, old = graph.wrong, self.fixes.children
                self.fixes.children = [
                    button(fix.title, graph.fix_help, lambda fix=fix: graph.apply(fix))  # type: ignore[misc]
                    for fix in (graph.wrong.fixes if graph.wrong else ())
                ]
                show(self.fixes, bool(self.fixes.children))
                for widget in old:
                    drop(widget)

    def _offer(self, model: BuilderModel) -> None:
        nodes = [(node.called, node.id) for node in model.graph.graph.nodes]
        options = ((model.show_label, ""), *nodes)
        if self.chooser.options != options:
            self._quiet = True
            self.chooser.options, self.chooser.value = options, ""
            self._quiet = False

    def _choose(self, change: dict[str, Any]) -> None:
        node = self.model.graph.graph.node(change["new"])
        if node is not None and not self._quiet:
            self.model.choose(node)

    def _open(self, place: str) -> None:
        """Open the form that holds a dotted place."""
        part = place.split(".")[0]
        if part in self.model.items:
            self.forms.selected_index = list(self.model.items).index(part)

    def _use(self, template: str) -> None:
        if template:
            self.model.templates.use(template)
            self.templates.value = ""
