"""The Analysis panel: the results of a run, from the figure to the sample behind it."""

from __future__ import annotations

import numpy as np
from psygnal import Signal

from fuse_engine.run.folder import RunFolder
from fuse_gui.models.columns import of_frame
from fuse_gui.models.filter import FILTER_HELP
from fuse_gui.models.plot import Axes, Figure, Line, Table
from fuse_gui.models.project import Project
from fuse_gui.models.results import ID, PREDICTED, TRUE, Results, read_results, written
from fuse_gui.models.rows import Rows
from fuse_gui.models.strip import StripModel

SORTED, CONFUSION, ROC = "samples, worst first", "confusion", "ROC"


class AnalysisModel:
    """Metrics, plots and samples of the chosen run; every point and row leads to its sample."""

    title = "Analysis"
    refresh_label, worst_label = "Refresh", "Next worst ▶"
    measure_label, plot_label = "Measure", "Plot"
    refresh_help = "Read the results of the run again"
    worst_help = "Look at the sample that is next in the order from worst to best"
    filter_hint, filter_help = "Filter: text, or iou<0.5", FILTER_HELP
    click_hint = (
        "Click a point or a row to look at its sample; click a cell of a confusion matrix to list its samples."
    )

    changed = Signal()
    figure_changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the run and the sample of the project."""
        self.project = project
        self.strip = StripModel(project)
        self.rows = Rows()
        self.results: Results | None = None
        self.measure, self.plot = "", SORTED
        self._reading = False
        project.run_changed.connect(self.refresh)
        project.run_advanced.connect(self.refresh)
        project.sample_changed.connect(self._sample_changed)
        self.refresh()

    # -- what can be done -----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the results of the run again."""
        run = self.project.run
        if run is None:
            self._show(None)
            return
        if self.results is not None and self._run != run:
            self._show(None)
        self._run, self._reading = run, True
        self.project.aside(
            lambda: read_results(run), lambda found: self._read(run, found), topic="analysis", failed=self._failed
        )
        self.changed.emit()

    def set_measure(self, name: str) -> None:
        """Choose the measure that orders the samples."""
        if self.results is not None and name in self.results.measures and name != self.measure:
            self.measure = name
            self._worst_first(self.results)
            self.changed.emit()
            self.figure_changed.emit()

    def set_plot(self, name: str) -> None:
        """Choose what is drawn."""
        if name in self.plots and name != self.plot:
            self.plot = name
            self.changed.emit()
            self.figure_changed.emit()

    def set_filter(self, text: str) -> None:
        """List the samples that meet the filter."""
        self.rows.set_filter(text)
        self.changed.emit()

    def pick(self, what: str) -> None:
        """Follow a click into the plot: look at a sample, or list the samples of a confusion matrix's cell."""
        if not self.plot.startswith(CONFUSION):
            self.project.select(what)
            return
        head, (true, predicted) = self._head, what.split("\n")
        self.set_filter(f"{head}.{TRUE}=={true} & {head}.{PREDICTED}=={predicted}")

    def select_row(self, position: int) -> None:
        """Look at the sample of a row."""
        if 0 <= position < len(self.rows):
            self.project.select(self.rows.id_at(position))

    def next_worst(self) -> None:
        """Look at the worst sample, or from there at the next one in the order of the measure."""
        if self.results is None or not len(self.rows):
            return
        self._worst_first(self.results)
        self.project.select(self.rows.neighbour(self.project.sample_id, 1))

    # -- what is said ---------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Which results are shown, or why there are none."""
        run = self.project.run
        if run is None:
            return "No run is chosen. Choose or start one in the Training panel."
        if self.results is None:
            return "Reading the results …" if self._reading else f"Run {run.name} has not been analyzed yet."
        return f"Run {run.name}: {len(self.results.frame):,} {self.results.part} samples"

    @property
    def metrics(self) -> str:
        """The figures of the run, one a line with its interval; what is undefined says so."""
        lines = written(self.results.metrics) if self.results else {}
        width = max(map(len, lines), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in lines.items())

    @property
    def measures(self) -> tuple[str, ...]:
        """What samples can be ordered by."""
        return self.results.measures if self.results else ()

    @property
    def plots(self) -> tuple[str, ...]:
        """What can be drawn."""
        heads = self.results.scores if self.results else ()
        return (SORTED, *(f"{kind} of {head}" for head in heads for kind in (CONFUSION, ROC)))

    def figure(self) -> Figure:
        """Return the chosen plot."""
        results = self.results
        if results is None:
            return Figure((Axes(note="no results yet"),))
        if self.plot.startswith(CONFUSION):
            return Figure((self._confusion(results),))
        if self.plot.startswith(ROC):
            return Figure((self._roc(results),))
        return Figure((self._sorted(results),))

    # -- inside ---------------------------------------------------------------------------------------------------

    _run: RunFolder | None = None

    @property
    def _head(self) -> str:
        return self.plot.partition(" of ")[2]

    def _worst_first(self, results: Results) -> None:
        if self.measure:
            self.rows.sort(self.measure, self.measure not in results.falling)

    def _sorted(self, results: Results) -> Axes:
        if not self.measure:
            return Axes(note="no metric has a value for each sample")
        rising = self.measure not in results.falling
        order = results.frame.sort_values(self.measure, kind="stable", ascending=rising)
        order = order.dropna(subset=[self.measure])
        ids = tuple(order[ID].astype(str))
        values = order[self.measure].to_numpy(float)
        rank = np.arange(1.0, len(ids) + 1)
        lines = [Line(rank, values, "", "dots", ids=ids)]
        if self.project.sample_id in ids:
            at = ids.index(self.project.sample_id)
            lines.append(Line(rank[at : at + 1], values[at : at + 1], self.project.sample_id, "dots", "#f2a03d"))
        meaning = results.meanings.get(self.measure, self.measure)
        return Axes(
            f"{meaning}, each sample", "rank", self.measure, tuple(lines), whole=True, legend="lower right"
        )

    def _confusion(self, results: Results) -> Axes:
        scores = results.scores[self._head]
        table = Table(scores.confusion(), scores.names, scores.names)
        return Axes(f"Confusion of {self._head}", "predicted", "true", table=table)

    def _roc(self, results: Results) -> Axes:
        scores = results.scores[self._head]
        shown = [1] if len(scores.names) == 2 else range(len(scores.names))
        lines = [Line(*scores.roc(index), scores.names[index]) for index in shown]
        chance = np.array([0.0, 1.0])
        lines.append(Line(chance, chance, "chance", faint=True, colour="#888888"))
        return Axes(
            f"ROC of {self._head}", "false positive rate", "true positive rate", tuple(lines), legend="lower right"
        )

    def _read(self, run: RunFolder, results: Results | None) -> None:
        if run == self.project.run:
            self._reading = False
            self._show(results)

    def _failed(self) -> None:
        self._reading = False
        self._show(None)

    def _show(self, results: Results | None) -> None:
        self.rows.set_table(of_frame(results.frame) if results else {}, ID if results else "")
        self.results = results
        if results is not None:
            if self.measure not in results.measures:
                self.measure = results.measures[0] if results.measures else ""
            self._worst_first(results)
        if self.plot not in self.plots:
            self.plot = SORTED
        self.changed.emit()
        self.figure_changed.emit()

    def _sample_changed(self, _sample: str) -> None:
        self.figure_changed.emit()
