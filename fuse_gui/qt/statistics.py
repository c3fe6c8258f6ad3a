"""What stands in a column, drawn with Qt: figures, a plot and its groups."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from fuse_gui.models.statistics import StatisticsModel
from fuse_gui.qt.buttons import form
from fuse_gui.qt.controls import HELP, Combo, Text, tooltip
from fuse_gui.qt.live import LiveView
from fuse_gui.qt.plot import PlotView
from fuse_gui.qt.sides import Sides

HEIGHT = 190
"""Pixels of plot and groups."""


class StatisticsView(LiveView):
    """A column of the rows that are seen; a click on a bar or a group keeps these rows only."""

    def __init__(self, model: StatisticsModel, toggle: Callable[[str], None]) -> None:
        """Follow the model; `toggle` is called with a condition of the filter."""
        super().__init__(model)
        self.model = model
        self.setObjectName("fuse-statistics")
        self.column = Combo()
        self.column.setToolTip(tooltip(model.column_help))
        self.column.activated.connect(lambda _: model.choose(self.column.currentText()))
        self.words = Text("", "")
        self.plot = PlotView()
        self.plot.picked.connect(toggle)
        self.groups = QTreeWidget()
        self.groups.setRootIsDecorated(False)
        self.groups.setHeaderLabels(list(model.headings))
        self.groups.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.groups.header().setStretchLastSection(False)
        for index in (1, 2):
            self.groups.header().setSectionResizeMode(index, QHeaderView.ResizeMode.ResizeToContents)
        self.groups.itemClicked.connect(lambda item, _: toggle(item.data(0, Qt.ItemDataRole.UserRole)))
        both = Sides(self.plot, self.groups, grows=(1, 1), wide=(3, 2), turn=460)
        both.setFixedHeight(HEIGHT)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form((model.column_label, self.column)))
        column.addWidget(self.words)
        column.addWidget(both, 1)
        column.addWidget(Text(model.click_hint, HELP))
        model.changed.connect(self._show)

    def _show(self) -> None:
        model = self.model
        self.column.offer(tuple(model.columns), model.column)
        self.words.say(model.words)
        self.groups.clear()
        for group in model.groups:
            item = QTreeWidgetItem([group.label, f"{group.count:,}", f"{group.share:.1%}"])
            item.setData(0, Qt.ItemDataRole.UserRole, group.condition)
            for index in (1, 2):
                item.setTextAlignment(index, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.groups.addTopLevelItem(item)
        self.plot.draw(model.figure())
