"""The Model panel drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fuse_gui.models.model import ModelModel
from fuse_gui.models.strip import StripModel
from fuse_gui.qt.as_text import AsText
from fuse_gui.qt.buttons import push
from fuse_gui.qt.controls import Text
from fuse_gui.qt.fold import Fold
from fuse_gui.qt.form import section
from fuse_gui.qt.scrolled import scrolled
from fuse_gui.qt.strip import Strip


class ModelView(QWidget):  # type: ignore[misc]
    """Forms above; problems, keys and text below."""

    def __init__(self, model: ModelModel) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-model")
        self.problems = QListWidget()
        self.problems.setWordWrap(True)
        self.problems.setMaximumHeight(110)
        self.problems.itemClicked.connect(self._focus)
        self.no_keys = Text(model.no_keys)
        self.table = _table(model.columns)
        self.undo = push(model.undo_label, "", model.project.undo)
        self.redo = push(model.redo_label, "", model.project.redo)
        self.as_text = AsText(model.as_text)
        self._arrange()
        model.problems_changed.connect(self._show_problems)
        model.flow_changed.connect(self._show_flow)
        model.undo_changed.connect(self._show_undo)
        self._show_problems()
        self._show_flow()
        self._show_undo()

    def _arrange(self) -> None:
        keys = QWidget()
        inside = QVBoxLayout(keys)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.no_keys)
        inside.addWidget(self.table)
        self._problems_fold = Fold(self.model.problems_label, self.problems)
        self.keys_fold = Fold(self.model.keys_label, keys)
        head = QHBoxLayout()
        head.addStretch(1)
        head.addWidget(self.undo)
        head.addWidget(self.redo)
        column = QVBoxLayout(self)
        column.addWidget(Strip(StripModel(self.model.project)))
        column.addLayout(head)
        column.addWidget(scrolled([section(item) for item in self.model.items.values()]), 1)
        column.addWidget(self._problems_fold)
        column.addWidget(self.keys_fold)
        column.addWidget(self.as_text)

    def _focus(self) -> None:
        self.model.focus(self.model.problems[self.problems.currentRow()])

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
