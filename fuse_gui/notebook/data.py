"""The Data panel in ipywidgets: choose a sample and look at it."""

from __future__ import annotations

import ipywidgets as widgets

from fuse_gui.models.data import DataModel
from fuse_gui.notebook.screen import ScreenView


class DataView(widgets.VBox):  # type: ignore[misc]
    """The samples of the experiment, the chosen one as a picture with its values."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        self.model = model
        self.heading = widgets.Label()
        self.chooser = widgets.Dropdown(description="sample", options=[])
        self.previous = widgets.Button(description=model.previous_label)
        self.next = widgets.Button(description=model.next_label)
        self.filter = widgets.Text(placeholder=model.filter_hint, continuous_update=False)
        self.sample = widgets.Textarea(disabled=True, layout=widgets.Layout(width="28em", height="12em"))
        self.summary = widgets.Textarea(disabled=True, layout=widgets.Layout(width="28em", height="6em"))
        self.screen = ScreenView(model.project.screen)
        self.previous.add_class("fuse-previous")
        self.next.add_class("fuse-next")
        buttons = widgets.HBox([self.chooser, self.previous, self.next, self.filter])
        words = widgets.VBox([self.summary, self.sample])
        super().__init__([self.heading, buttons, widgets.HBox([self.screen, words])])
        self.add_class("fuse-data")
        self.chooser.observe(lambda change: model.project.select(change["new"] or ""), "value")
        self.filter.observe(lambda change: model.set_filter(change["new"]), "value")
        self.previous.on_click(lambda _: model.step(-1))
        self.next.on_click(lambda _: model.step(1))
        model.changed.connect(self.draw)
        model.project.sample_changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what the model says now."""
        rows = self.model.rows
        ids = tuple(rows.id_at(position) for position in range(len(rows)))
        chosen = self.model.project.sample_id
        with self.hold_trait_notifications():
            if tuple(self.chooser.options) != ids:
                self.chooser.options = ids
            self.chooser.value = chosen if chosen in ids else None
        self.heading.value = self.model.heading
        self.summary.value = self.model.summary
        self.sample.value = self.model.sample
