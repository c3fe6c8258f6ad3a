"""The cohort health strip in a notebook: a button for each check."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from fuse_engine.core.health import CHECKS
from fuse_gui.models.health import HealthModel
from fuse_gui.models.rows import Rows
from fuse_gui.notebook.controls import Text, button, show

STYLES = {"waiting": "", "fine": "", "warning": "warning", "blocking": "danger"}


class HealthView(W.VBox):  # type: ignore[misc]
    """What the checks found; a click shows these samples only."""

    def __init__(self, model: HealthModel, rows: Rows, toggle: Callable[[str], None]) -> None:
        """Follow the checks and the filter; `toggle` is called with the name of a check."""
        self.model, self._rows = model, rows
        self.chips = {name: button("", "", lambda name=name: toggle(name)) for name in CHECKS}  # type: ignore[misc]
        for name, chip in self.chips.items():
            chip.add_class(f"fuse-check-{name}")
            chip.layout.height = "24px"
            chip.style.font_size = "12px"
        self.rest = W.ToggleButton(tooltip=model.rest_help, layout={"width": "auto", "height": "24px"})
        self.rest.style.font_size = "12px"
        self.rest.observe(lambda _: self.draw(), "value")
        self.progress, self.remarks = Text(), Text()
        self.stop = button(model.stop_label, model.stop_help, model.pause)
        self.start = button(model.start_label, model.start_help, model.resume)
        chips = W.Box([*self.chips.values(), self.rest], layout={"flex_flow": "row wrap"})
        super().__init__([chips, self.remarks, W.HBox([self.progress, self.stop, self.start])])
        self.add_class("fuse-health")
        model.changed.connect(self.draw)
        rows.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what the checks found so far."""
        model = self.model
        for name, chip in self.chips.items():
            used = f"check:{name}" in self._rows.filter
            chip.description, chip.tooltip = f"{'▸ ' if used else ''}{model.label(name)}", model.help(name)
            chip.button_style = STYLES[model.state(name)]
            show(chip, bool(model.counts[name]) or used or self.rest.value)
        self.rest.description = model.rest
        show(self.rest, bool(model.rest))
        self.remarks.say(model.remarks)
        self.progress.say(model.progress)
        show(self.stop, model.running)
        self.start.description = model.start_words
        show(self.start, model.can_resume)
