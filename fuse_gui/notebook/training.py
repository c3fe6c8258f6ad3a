"""The Training panel in ipywidgets: the run monitor."""

from __future__ import annotations

import ipywidgets as widgets

from fuse_gui.models.training import TrainingModel
from fuse_gui.notebook.microscope import MicroscopeView
from fuse_gui.notebook.plot import PlotView


class TrainingView(widgets.VBox):  # type: ignore[misc]
    """Start, stop and continue runs, and watch them."""

    def __init__(self, model: TrainingModel) -> None:
        """Follow the model."""
        self.model = model
        self.state, self.progress = widgets.Label(), widgets.Label()
        self.bar = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="100%"))
        self.plot, self.batch = PlotView(), MicroscopeView(model.microscope)
        self.numbers = _text("5em")
        self.notes = _text("4em")
        self.runs = widgets.Select(options=[], rows=4, layout=widgets.Layout(width="100%"))
        self.start = _button(model.start_label, model.start_help, "fuse-start", model.start)
        self.stop = _button(model.stop_label, model.stop_help, "fuse-stop", model.stop)
        self.cancel = _button(model.cancel_label, model.cancel_help, "fuse-cancel", model.cancel)
        self.resume = _button(model.resume_label, model.resume_help, "fuse-resume", model.resume)
        buttons = widgets.HBox([self.start, self.stop, self.cancel, self.resume])
        self.problems = _text("4em")
        rows = [self.state, self.bar, self.progress, self.plot, self.batch, self.numbers, self.notes, self.runs]
        super().__init__([self.problems, buttons, *rows])
        self.add_class("fuse-training")
        self.runs.observe(self._attach, "value")
        model.changed.connect(self.draw)
        model.runs_changed.connect(self.draw_runs)
        model.figure_changed.connect(self.draw_plot)
        model.strip.changed.connect(self.draw)
        self.draw()
        self.draw_runs()
        self.draw_plot()

    def draw(self) -> None:
        """Show what the model says now."""
        model = self.model
        self.state.value, self.progress.value, self.bar.value = model.state, model.progress, model.fraction
        for area, text in (
            (self.problems, model.strip.text), (self.numbers, model.numbers), (self.notes, model.notes),
        ):  # fmt: skip
            area.value = text
            area.layout.display = "" if text else "none"
        self.start.disabled = not model.can_start
        self.stop.disabled = not model.can_stop
        self.cancel.disabled = not model.can_cancel
        self.resume.disabled = not model.can_resume

    def draw_runs(self) -> None:
        """Show the list of runs."""
        self.runs.options = [(self.model.row_text(row), row.run) for row in self.model.runs]
        known = [row.run for row in self.model.runs]
        self.runs.value = self.model.project.run if self.model.project.run in known else None

    def draw_plot(self) -> None:
        """Draw the curves."""
        self.plot.draw(self.model.figure())
        self.batch.offer(self.model.history)

    def _attach(self, change: dict[str, object]) -> None:
        run = next((row.run for row in self.model.runs if row.run == change["new"]), None)
        if run is not None:
            self.model.attach(run)


def _button(text: str, help_text: str, name: str, action: object) -> widgets.Button:
    made = widgets.Button(description=text, tooltip=help_text)
    made.add_class(name)
    made.on_click(lambda _: action())  # type: ignore[operator]
    return made


def _text(height: str) -> widgets.Textarea:
    return widgets.Textarea(disabled=True, layout=widgets.Layout(width="100%", height=height))
