"""The Model panel drawn with Qt: the drawing, the palette, the forms, and a step that is tried."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QListWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.strip import StripModel
from fuse_gui.qt.as_text import AsText
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import HELP, WRONG, Combo, Text, tooltip
from fuse_gui.qt.flow import FlowBox
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.form import section
from fuse_gui.qt.graph import GraphView
from fuse_gui.qt.live import LiveView
from fuse_gui.qt.part_palette import PartPaletteView
from fuse_gui.qt.preflight import PreflightView
from fuse_gui.qt.reveal import InSight
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.sides import Sides, stack
from fuse_gui.qt.strip import Strip

FORMS_HIGH = 180
"""Pixels that the drawing and the forms are high at least."""
SHARES = (520, 480)
"""How the drawing and the forms share the height of a narrow dock."""


class BuilderView(LiveView):
    """The drawing with the palette and the preflight; the forms; problems, keys and text below."""

    def __init__(self, model: BuilderModel) -> None:
        """Follow the model."""
        super().__init__(model)
        self.model = model
        self.setObjectName("fuse-model")
        self.graph = GraphView(model)
        self.state, self.size = Text("", HELP), Text("", HELP)
        self.wrong, self.fixes = Text("", WRONG), FlowBox([])
        self._fixed: object = None
        self.palette_fold = Fold(model.palette.title, PartPaletteView(model))
        self.preflight = PreflightView(model.preflight)
        self.preflight_fold = Fold(model.preflight.title, self.preflight)
        self.problems = QListWidget()
        self.problems.setWordWrap(True)
        self.problems.setMaximumHeight(110)
        self.problems.itemClicked.connect(self._focus)
        self.no_keys = Text(model.no_keys)
        self.table = _table(model.columns)
        self.as_text = AsText(model.as_text)
        self._arrange()
        model.problems_changed.connect(self._show_problems)
        model.flow_changed.connect(self._show_flow)
        model.undo_changed.connect(self._show_undo)
        model.graph.changed.connect(self._show_graph)
        model.boxes.changed.connect(self._show_boxes)
        for show in (self._show_problems, self._show_flow, self._show_undo, self._show_graph, self._show_boxes):
            show()

    def _head(self) -> QHBoxLayout:
        model, templates = self.model, self.model.templates
        self.templates = Combo()
        self.templates.addItem(templates.label)
        for name in templates.names:
            self.templates.addItem(templates.title(name), name)
        self.templates.highlighted.connect(self._explain)
        self.templates.activated.connect(self._use)
        self.boxes = QCheckBox(model.boxes.label)
        self.boxes.setToolTip(tooltip(model.boxes.help))
        self.boxes.toggled.connect(model.boxes.set_on)
        self.undo = push(model.undo_label, "", model.project.undo)
        self.redo = push(model.redo_label, "", model.project.redo)
        head = QHBoxLayout()
        head.addWidget(self.templates, 1)
        for part in (self.boxes, self.undo, self.redo):
            head.addWidget(part)
        return head

    def _arrange(self) -> None:
        keys = stack(self.no_keys, self.table)
        self._problems_fold = Fold(self.model.problems_label, self.problems)
        self.keys_fold = Fold(self.model.keys_label, keys)
        self.box_text = Text("", HELP)
        self._notes = QVBoxLayout()
        self._notes.setSpacing(1)
        for note in (self.wrong, self.fixes):
            self._notes.addWidget(note)
        notes = stack(self.state, self.size, self.box_text)
        drawn = scrolled([stack(self._notes), self.graph, notes, self.palette_fold, self.preflight_fold])
        drawn.setMinimumHeight(FORMS_HIGH)
        for fold in (self.palette_fold, self.preflight_fold):
            fold.opened.connect(lambda fold=fold: InSight(fold, drawn))
        forms = scrolled([section(item) for item in self.model.items.values()])
        forms.setMinimumHeight(FORMS_HIGH)
        column = QVBoxLayout(self)
        column.addWidget(Strip(StripModel(self.model.project)))
        column.addLayout(self._head())
        sides = Sides(drawn, forms, grows=(1, 1), wide=(1, 1))
        sides.setSizes(list(SHARES))
        column.addWidget(sides, 1)
        for fold in (self._problems_fold, self.keys_fold, self.as_text):
            column.addWidget(fold)

    def _use(self, index: int) -> None:
        self.templates.setCurrentIndex(0)
        if index:
            self.model.templates.use(self.templates.itemData(index))

    def _explain(self, index: int) -> None:
        """Say what a template makes; only then it is read."""
        if index:
            told = tooltip(self.model.templates.help(self.templates.itemData(index)))
            self.templates.setItemData(index, told, Qt.ItemDataRole.ToolTipRole)

    def _focus(self) -> None:
        self.model.focus(self.model.problems[self.problems.currentRow()])

    def _show_graph(self) -> None:
        graph = self.model.graph
        self.state.say(graph.state)
        self.size.say(graph.graph.size)
        self.wrong.say(graph.sentence)
        if graph.wrong is self._fixed:
            return
        self._fixed = graph.wrong
        old, found = self.fixes, graph.wrong.fixes if graph.wrong else ()
        buttons = [push(fix.title, graph.fix_help, lambda fix=fix: graph.apply(fix)) for fix in found]  # type: ignore[misc]
        self.fixes = FlowBox(buttons)
        self._notes.replaceWidget(old, self.fixes)
        old.hide()
        old.deleteLater()

    def _show_boxes(self) -> None:
        self.boxes.setChecked(self.model.boxes.on)
        self.box_text.say(self.model.boxes.text)

    def _show_problems(self) -> None:
        self.problems.clear()
        self.problems.addItems([str(problem) for problem in self.model.problems] or [self.model.no_problems])
        self.problems.setEnabled(bool(self.model.problems))
        self._problems_fold.title(self.model.problems_label)

    def _show_flow(self) -> None:
        rows = self.model.rows
        self.table.setRowCount(len(rows))
        for y, row in enumerate(rows):
            for x, text in enumerate(row):
                cell = QTableWidgetItem(text)
                cell.setToolTip(text)
                self.table.setItem(y, x, cell)
        self.table.resizeColumnsToContents()
        self.table.setVisible(bool(rows))
        self.no_keys.setVisible(not rows)

    def _show_undo(self) -> None:
        self.undo.setEnabled(self.model.project.can_undo)
        self.redo.setEnabled(self.model.project.can_redo)


def _table(columns: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(columns))
    table.setHorizontalHeaderLabels(list(columns))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(22)
    table.setMinimumHeight(160)
    table.setStyleSheet("font-size: 11px;")
    return table
