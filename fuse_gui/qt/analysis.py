"""The Analysis panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from fuse_gui.models.analysis import AnalysisModel
from fuse_gui.qt.buttons import form, push
from fuse_gui.qt.controls import HELP, WRONG, Combo, Text, tooltip
from fuse_gui.qt.plot import PlotView
from fuse_gui.qt.sides import COLUMNS, Sides, stack
from fuse_gui.qt.strip import Strip
from fuse_gui.qt.table import RowsView


class AnalysisView(QWidget):  # type: ignore[misc]
    """The results of a run, from the figure to the sample behind it."""

    def __init__(self, model: AnalysisModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-analysis")
        self.state, self.metrics = Text("", "font-weight: bold;"), Text("", COLUMNS)
        self.error = Text("", WRONG)
        self.measure, self.chooser = Combo(), Combo()
        self.measure.activated.connect(lambda _: model.set_measure(self.measure.currentText()))
        self.chooser.activated.connect(lambda _: model.set_plot(self.chooser.currentText()))
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(model.filter_hint)
        self.filter.setToolTip(tooltip(model.filter_help))
        self.filter.setClearButtonEnabled(True)
        self.filter.textEdited.connect(model.set_filter)
        self.plot = PlotView()
        self.plot.picked.connect(model.pick)
        self.table = RowsView(model.rows, model.select_row)
        self.worst = push(model.worst_label, model.worst_help, model.next_worst)
        self._arrange()
        model.changed.connect(self._show)
        model.figure_changed.connect(self._draw)
        model.project.sample_changed.connect(self.table.mark)
        self._show()
        self._draw()

    def _arrange(self) -> None:
        model = self.model
        choices = form((model.plot_label, self.chooser), (model.measure_label, self.measure))
        head = QHBoxLayout()
        head.addWidget(self.state, 1)
        head.addWidget(push(model.refresh_label, model.refresh_help, model.refresh))
        drawn = stack(choices, self.plot, Text(model.click_hint, HELP), grows=self.plot)
        listed = stack(self.metrics, self.worst, self.filter, self.error, self.table, grows=self.table)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(Strip(model.strip))
        column.addLayout(head)
        column.addWidget(Sides(drawn, listed, grows=(1, 1), wide=(1, 1)), 1)

    def _show(self) -> None:
        model = self.model
        self.state.say(model.state)
        self.metrics.say(model.metrics)
        self.error.say(model.rows.error)
        self.measure.offer(model.measures, model.measure)
        self.chooser.offer(model.plots, model.plot)
        if self.filter.text().strip() != model.rows.filter:
            self.filter.setText(model.rows.filter)

    def _draw(self) -> None:
        self.plot.draw(self.model.figure())
