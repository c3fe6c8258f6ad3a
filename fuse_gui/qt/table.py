"""A table of rows: sorted by its header, a click chooses a sample; as fast for a million rows as for ten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSignalBlocker, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from fuse_gui.models.rows import Rows

ROW_HEIGHT = 22
STRIPES = "QTableView { alternate-background-color: rgba(128, 128, 128, 30); }"
"""Right on a dark and on a light theme; napari's themes set no colour for every other row."""


class RowsTable(QAbstractTableModel):  # type: ignore[misc]
    """Hands the rows that are seen to a view, cell by cell."""

    def __init__(self, rows: Rows) -> None:
        """Follow the rows."""
        super().__init__()
        self._rows = rows
        rows.changed.connect(self._renew)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows that are seen."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._rows.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell."""
        wanted = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        return self._rows.cell(index.row(), index.column()) if wanted and index.isValid() else None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the name of a column."""
        across = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return self._rows.columns[section] if across else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column."""
        if 0 <= column < len(self._rows.columns):
            self._rows.sort(self._rows.columns[column], order == Qt.SortOrder.AscendingOrder)

    def _renew(self) -> None:
        self.beginResetModel()
        self.endResetModel()


class RowsView(QTableView):  # type: ignore[misc]
    """The table on the screen; `chosen` is called with the position of the row a person goes to."""

    def __init__(self, rows: Rows, chosen: Callable[[int], None]) -> None:
        """Follow the rows."""
        super().__init__()
        self._rows, self._chosen, self._id = rows, chosen, ""
        self._table = RowsTable(rows)
        self.setModel(self._table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setStyleSheet(STRIPES)
        self.setWordWrap(False)
        self.setMinimumHeight(120)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setSortingEnabled(True)
        self._columns: list[str] = []
        self.selectionModel().currentRowChanged.connect(self._moved)
        rows.changed.connect(self._renewed)
        self._renewed()

    def mark(self, sample_id: str) -> None:
        """Show which sample is looked at."""
        self._id = sample_id
        position = self._rows.position(sample_id)
        selection = self.selectionModel()
        with QSignalBlocker(selection):
            if position is None:
                self.clearSelection()
            elif position != self.currentIndex().row() or not selection.hasSelection():
                self.selectRow(position)
                self.scrollTo(self._table.index(position, 0))
        self.viewport().update()

    def _moved(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self._chosen(current.row())

    def _renewed(self) -> None:
        if self._columns != self._rows.columns:
            self._columns = self._rows.columns
            for column, width in enumerate(self._rows.widths()):
                self.setColumnWidth(column, 20 + self.fontMetrics().averageCharWidth() * width)
        self.mark(self._id)
