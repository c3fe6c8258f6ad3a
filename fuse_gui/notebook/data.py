"""The Data panel in ipywidgets: look through the samples, see what is wrong with them."""

from __future__ import annotations

import ipywidgets as widgets

from fuse_gui.models.data import DataModel
from fuse_gui.models.thumbnails import SIZES
from fuse_gui.notebook.controls import HELP, TITLE, WRONG, Text, button, show
from fuse_gui.notebook.data_settings import DataSettingsView
from fuse_gui.notebook.details import DetailsView
from fuse_gui.notebook.health import HealthView
from fuse_gui.notebook.keys import KeysView
from fuse_gui.notebook.samples import SamplesView
from fuse_gui.notebook.screen import ScreenView
from fuse_gui.notebook.shown import ShownView
from fuse_gui.notebook.statistics import StatisticsView


class DataView(widgets.VBox):  # type: ignore[misc]
    """The samples of the experiment, the chosen one as a picture with what is known about it."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        self.model = model
        self.problems, self.heading = Text("", WRONG), Text("", TITLE)
        self.summary = Text("", HELP)
        self.health = HealthView(model.health, model.rows, model.toggle_check)
        self.table = SamplesView(model)
        self.statistics = StatisticsView(model.statistics, model.toggle_filter)
        self.columns = widgets.Accordion([self.statistics], titles=[model.statistics.title])
        self.columns.observe(
            lambda change: model.statistics.set_active(change["new"] is not None), "selected_index"
        )
        self.sample, self.details = Text("", TITLE), DetailsView()
        self.screen, self.pictured = ScreenView(model.project.screen), ShownView(model.project.shown)
        listed = widgets.VBox(
            [*self._filter(), self.table, self.columns], layout={"flex": "1 1 420px", "min_width": "0"}
        )
        looked_at = widgets.VBox(
            [*self._steps(), self.sample, self.pictured, self.screen, self.details], layout={"flex": "0 1 420px"}
        )
        self.settings = DataSettingsView(model.settings)
        words = [self.problems, self.heading, self.summary, self.health]
        both = widgets.HBox([listed, looked_at], layout={"flex_flow": "row wrap"})
        super().__init__([*words, both, self.settings])
        self.add_class("fuse-data")
        model.changed.connect(self.draw)
        model.strip.changed.connect(self.draw)
        model.exclusions.changed.connect(self.draw)
        model.ticks.changed.connect(self.draw)
        model.sample_changed.connect(self.draw_sample)
        self.draw()
        self.draw_sample()

    def draw(self) -> None:
        """Show what the model says now."""
        model = self.model
        self.problems.say(model.strip.text)
        self.heading.say(model.heading)
        self.summary.say(model.summary)
        self.error.say(model.rows.error)
        self.shown.say(model.shown)
        if self.filter.value.strip() != model.rows.filter:
            self.filter.value = model.rows.filter
        for step in (self.previous, self.next, self.exclude, self.include):
            step.disabled = not model.can_step
        several = f" ({len(model.ticks.ids)})" if model.ticks.ids else ""
        self.exclude.description = f"{model.exclusions.exclude_label}{several}"
        self.include.description = f"{model.exclusions.include_label}{several}"
        self.undo.disabled = not model.exclusions.can_undo
        self.truth.value = model.truth_shown
        show(self.health, bool(model.health.total))

    def draw_sample(self) -> None:
        """Show what is known about the sample that is looked at."""
        self.sample.say(self.model.sample)
        self.details.say(self.model.sections)

    def _filter(self) -> list[widgets.Widget]:
        model = self.model
        self.filter = widgets.Text(
            placeholder=model.filter_hint, continuous_update=False, layout={"flex": "1 1 auto"}
        )
        self.filter.add_class("fuse-filter")
        self.filter.observe(lambda change: model.set_filter(change["new"]), "value")
        self.pictures = widgets.Dropdown(
            options=list(SIZES),
            value=model.thumbnails.size_name,
            tooltip=model.thumbnails.help,
            layout={"width": "9em"},
        )
        self.pictures.observe(lambda change: self._resize(change["new"]), "value")
        self.error, self.shown = Text("", WRONG), Text("", HELP)
        return [widgets.HBox([self.filter, self.pictures]), self.error, self.shown]

    def _steps(self) -> list[widgets.Widget]:
        model, words = self.model, self.model.exclusions
        self.previous = button(model.previous_label, model.previous_help, lambda: model.step(-1))
        self.next = button(model.next_label, model.next_help, lambda: model.step(1))
        self.previous.add_class("fuse-previous")
        self.next.add_class("fuse-next")
        self.truth = widgets.Checkbox(description=model.truth_label, indent=False, layout={"width": "auto"})
        self.truth.observe(lambda change: self._show_truth(change["new"]), "value")
        self.reason = widgets.Combobox(options=words.reasons, placeholder=words.question, layout={"width": "12em"})
        self.exclude = button(words.exclude_label, words.exclude_help, self._exclude)
        self.include = button(words.include_label, words.include_help, self._include)
        self.undo = button(words.undo_label, words.undo_help, words.undo)
        self.single_keys = KeysView(
            model.keys_hint,
            model.keys_help,
            {"a": lambda: model.step(-1), "d": lambda: model.step(1), " ": model.toggle_truth},
        )
        left_out = [self.reason, self.exclude, self.include, self.undo]
        return [
            widgets.HBox(
                [self.previous, self.next, self.single_keys, self.truth], layout={"flex_flow": "row wrap"}
            ),
            widgets.HBox(left_out, layout={"flex_flow": "row wrap"}),
        ]

    def _show_truth(self, shown: bool) -> None:
        if shown != self.model.truth_shown:
            self.model.toggle_truth()

    def _resize(self, name: str) -> None:
        self.model.thumbnails.set_size(name)
        self.table.draw()

    def _chosen(self) -> list[str]:
        """Return the samples that are ticked, else the one that is looked at."""
        if self.model.ticks.ids:
            return self.model.ticks.ids
        return [self.model.project.sample_id] if self.model.project.sample_id else []

    def _exclude(self) -> None:
        self.model.exclusions.exclude(self._chosen(), self.reason.value)
        if self.reason.value.strip():
            self.model.ticks.clear()

    def _include(self) -> None:
        self.model.exclusions.include(self._chosen())
        self.model.ticks.clear()
