"""What augmentation does to the labels, and what is likely a mistake, in a notebook."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.guards import Fix, Guards, Meter, Warned
from fuse_gui.notebook.controls import TITLE, WRONG, Text, button, drop
from fuse_gui.notebook.draw import LINE

WARNING = "color: #b26a00; font-size: 12px"


class GuardsView(W.VBox):  # type: ignore[misc]
    """A line for each class, and a line for each warning with the buttons that end it."""

    def __init__(self, model: Guards) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self._shown: tuple[object, ...] = ()
        self._lines: list[W.Widget] = []
        self.add_class("fuse-guards")
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what was found."""
        model = self._model
        found = (model.meters, model.warnings, model.note)
        if found == self._shown:
            return
        self._shown, former = found, self._lines
        lines: list[W.Widget] = []
        if model.warnings:
            lines += [Text(model.warnings_label, TITLE), *map(self._warning, model.warnings)]
        if model.meters or model.note:
            lines += [Text(model.damage_label, TITLE), Text(model.note), *map(_meter, model.meters)]
        self.children, self._lines = tuple(lines), lines
        for widget in former:
            drop(widget)

    def _warning(self, warned: Warned) -> W.Widget:
        step = "" if warned.step is None else f"Step {warned.step + 1}: "
        fixes = [self._fix(fix) for fix in warned.fixes]
        return W.Box([Text(f"{step}{warned.text}", WARNING), *fixes], layout=LINE)

    def _fix(self, fix: Fix) -> W.Button:
        return button(fix.title, self._model.fix_help, lambda: self._model.apply(fix))


def _meter(meter: Meter) -> Text:
    return Text(meter.text, WRONG if meter.wrong else "font-size: 12px")
