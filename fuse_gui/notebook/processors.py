"""The Processors panel drawn with ipywidgets."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W

from fuse_gui.models.key_tree import KeyTree, Node
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.strip import StripModel
from fuse_gui.notebook.controls import TITLE, WRONG, Text, button, show
from fuse_gui.notebook.form import list_of
from fuse_gui.notebook.screen import ScreenView

INDENT = 16
"""Pixels from one level of the tree to the next."""


class Keys(W.VBox):  # type: ignore[misc]
    """The tree of keys: a line each, indented."""

    def __init__(self, model: KeyTree) -> None:
        """Follow the model."""
        super().__init__(layout={"width": "100%"})
        self._model = model
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.children = tuple(_line(node) for node in self._model.nodes)


class ProcessorsView(W.VBox):  # type: ignore[misc]
    """A key, its steps, what each made of the sample, and the sample itself before and after."""

    def __init__(self, model: ProcessorsModel) -> None:
        """Follow the model."""
        self.model, self._quiet, self._drawing = model, False, threading.RLock()
        self.chooser = W.Dropdown(description=model.key_label, tooltip=model.key_help)
        self.name = W.Text(placeholder=model.new_question, layout={"width": "24em"})
        self.new = button(model.new_label, model.new_help, self._add)
        self.drop = button(model.drop_label, model.drop_help, model.drop_key)
        self.problems = Text("", WRONG)
        self.state, self.trip, self.kept, self.results = Text("", ""), Text("", ""), Text(), W.VBox()
        self.wipe = W.FloatSlider(description=model.wipe_label, min=0, max=1, step=0.01, tooltip=model.wipe_help)
        self.round_trip = button(model.round_trip.label, model.round_trip.help, model.round_trip.ask)
        self.tree, self.screen = Keys(model.tree), ScreenView(model.project.screen)
        left = W.VBox(
            [self.results, list_of(model.steps), self.kept, Text(model.tree.title, TITLE), self.tree],
            layout={"width": "60%"},
        )
        right = W.VBox([self.screen, self.wipe, self.round_trip, self.trip], layout={"width": "40%"})
        head = W.HBox([self.chooser, self.drop, self.name, self.new], layout={"flex_flow": "row wrap"})
        super().__init__([self.problems, head, self.state, W.HBox([left, right])])
        self.add_class("fuse-processors")
        self.chooser.observe(self._choose, "value")
        self.wipe.observe(lambda change: model.draw_wipe(change["new"]), "value")
        model.keys_changed.connect(self._show_keys)
        self._strip = StripModel(model.project)
        self._strip.changed.connect(self._show_problems)
        model.results_changed.connect(self._show)
        model.round_trip.changed.connect(self._show)
        model.set_active(True)
        self._show_problems()
        self._show_keys()
        self._show()

    def _add(self) -> None:
        self.model.add_key(self.name.value)

    def _show_problems(self) -> None:
        self.problems.say(self._strip.text)

    def _show_keys(self) -> None:
        self._quiet = True  # other options choose the first of them
        self.chooser.options = self.model.keys
        self.chooser.value = self.model.key or None
        self._quiet = False

    def _choose(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self.model.choose(change["new"] or "")

    def _show(self) -> None:
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model, trip = self.model, self.model.round_trip
        self.state.say(model.state)
        self.kept.say("\n".join(model.kept))
        self.wipe.disabled = not model.wipe.possible
        self.round_trip.disabled = not trip.possible
        self.trip.restyle(WRONG if trip.wrong else "")
        self.trip.say("\n".join(trip.lines))
        self.results.children = tuple(self._result(index) for index in range(len(model.steps.items)))

    def _result(self, index: int) -> W.Widget:
        model, result = self.model, self.model.result(index)
        wrong = model.error if index == model.failed else ""
        mark = "▶" if index == model.shown else f"{index + 1}"
        choose = button(mark, model.show_label, lambda: model.show(index))
        facts = Text(f"{result.name}: {result.facts}" if result else "", "")
        line = W.HBox([choose, W.VBox([facts, Text(result.numbers if result else ""), Text(wrong, WRONG)])])
        show(line, bool(result or wrong))
        return line


def _line(node: Node) -> W.Widget:
    style = f"padding-left: {INDENT * node.depth}px; font-size: 12px"
    parts = [node.name, node.holds, f"← {node.made_by}" if node.made_by else "", node.advice]
    parts.append(f"→ {node.read_by}" if node.read_by else "")
    wrong = "; color: #d0353a" if node.missing else ""
    return Text("   ".join(filter(None, parts)), style + wrong)
