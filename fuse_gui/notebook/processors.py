"""The Processors panel drawn with ipywidgets."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W

from fuse_gui.models.field import Item
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.notebook.controls import TITLE, WRONG, Text, button, show
from fuse_gui.notebook.key_tree import KeyTreeView
from fuse_gui.notebook.screen import ScreenView
from fuse_gui.notebook.steps import StepsView


class Facts(W.HBox):  # type: ignore[misc]
    """What a step made of the sample, and the button that puts it on the screen."""

    def __init__(self, model: ProcessorsModel, item: Item) -> None:
        """Follow the model."""
        self._model, self._item, self._drawing = model, item, threading.RLock()
        self.choose = button("▶", model.show_label, self._choose)
        self.facts, self.numbers, self.error = Text("", ""), Text(), Text("", WRONG)
        super().__init__([self.choose, W.VBox([self.facts, self.numbers, self.error])])
        model.changed.connect(self._show)
        self._show()

    def _choose(self) -> None:
        self._model.show(self._model.position(self._item))

    def _show(self) -> None:
        with self._drawing:  # answers of the engine arrive on another thread: the last to draw must be the newest
            self._draw()

    def _draw(self) -> None:
        model, index = self._model, self._model.position(self._item)
        result = model.result(index) if index >= 0 else None
        wrong = model.error if index == model.failed else ""
        self.choose.description = "▶" if index == model.shown else f"{index + 1}"
        self.facts.say(result.facts if result else "")
        self.numbers.say(result.numbers if result else "")
        self.error.say(wrong)
        show(self, bool(result or wrong))


class ProcessorsView(StepsView):
    """A key, its steps, what each made of the sample, and the sample itself before and after."""

    def __init__(self, model: ProcessorsModel) -> None:
        """Follow the model."""
        super().__init__(model, "fuse-processors", lambda item: Facts(model, item))
        self.model, self._quiet, self._drawing = model, False, threading.RLock()
        self.chooser = W.Dropdown(description=model.key_label, tooltip=model.key_help)
        self.name = W.Text(placeholder=model.new_question, layout={"width": "24em"})
        self.new = button(model.new_label, model.new_help, self._add)
        self.drop = button(model.drop_label, model.drop_help, model.drop_key)
        self.trip, self.kept = Text("", ""), Text()
        self.wipe = W.FloatSlider(description=model.wipe_label, min=0, max=1, step=0.01, tooltip=model.wipe_help)
        self.round_trip = button(model.round_trip.label, model.round_trip.help, model.round_trip.ask)
        self.tree, self.screen = KeyTreeView(model.tree, model.look_at), ScreenView(model.project.screen)
        words = [self.kept, Text(model.tree.title, TITLE), self.tree]
        left = W.VBox([self.steps, *words], layout={"width": "60%"})
        right = W.VBox([self.screen, self.wipe, self.round_trip, self.trip], layout={"width": "40%"})
        head = W.HBox([self.chooser, self.drop, self.name, self.new], layout={"flex_flow": "row wrap"})
        self.children = (self.problems, head, self.state, W.HBox([left, right]))
        self.chooser.observe(self._choose, "value")
        self.wipe.observe(lambda change: model.draw_wipe(change["new"]), "value")
        model.keys_changed.connect(self._show_keys)
        model.changed.connect(self._show)
        model.round_trip.changed.connect(self._show)
        model.set_active(True)
        self._show_keys()
        self._show()

    def _add(self) -> None:
        self.model.add_key(self.name.value)

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
