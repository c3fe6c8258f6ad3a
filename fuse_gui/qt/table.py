"""A table of rows: sorted by its header, a click chooses a sample; as fast for a million rows as for ten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSignalBlocker, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from fuse_gui.models.rows import Rows
from fuse_gui.qt.controls import tooltip

ROW_HEIGHT = 22
STRIPES = "QTableView { alternate-background-color: rgba(128, 128, 128, 30); }"
"""Right on a dark and on a light theme; napari's themes set no colour for every other row."""
TONES = {"faded": QColor(140, 140, 140), "warning": QColor(214, 138, 34)}
"""Colours of cells that a model names."""
ALL = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.ForegroundRole)


class RowsTable(QAbstractTableModel):  # type: ignore[misc]
    """Hands the rows that are seen to a view, cell by cell; `pictures` columns in front belong to the view."""

    def __init__(self, rows: Rows, tone: Callable[[int, str], str], parent: Any) -> None:
        """Follow the rows; `tone` names the colour of a cell."""
        super().__init__(parent)
        self._rows, self._tone = rows, tone
        self.pictures = 0
        rows.changed.connect(self.renew)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows that are seen."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._rows.columns) + self.pictures

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell, or its colour."""
        column = index.column() - self.pictures
        if role not in ALL or not index.isValid() or column < 0:
            return None
        if role == Qt.ItemDataRole.ForegroundRole:
            return TONES.get(self._tone(index.row(), self._rows.columns[column]))
        text = self._rows.cell(index.row(), column)
        return text if role == Qt.ItemDataRole.DisplayRole else tooltip(text)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the name of a column."""
        across = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return self._rows.columns[section - self.pictures] if across and section >= self.pictures else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column."""
        if self.pictures <= column < self.columnCount():
            name = self._rows.columns[column - self.pictures]
            self._rows.sort(name, order == Qt.SortOrder.AscendingOrder)

    def renew(self) -> None:
        """Tell the view that everything is another."""
        self.beginResetModel()
        self.endResetModel()


class RowsView(QTableView):  # type: ignore[misc]
    """The table on the screen; `chosen` is called with the position of the row a person goes to."""

    def __init__(
        self,
        rows: Rows,
        chosen: Callable[[int], None],
        tone: Callable[[int, str], str] = lambda _row, _column: "",
        several: bool = False,
    ) -> None:
        """Follow the rows; `several` can be selected at once."""
        super().__init__()
        self._rows, self._chosen, self._id = rows, chosen, ""
        self.keys: Mapping[int, Callable[[], object]] = {}
        """What single keys do while the table has the focus."""
        self._table = RowsTable(rows, tone, self)
        self.setModel(self._table)
        modes = QAbstractItemView.SelectionMode
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(modes.ExtendedSelection if several else modes.SingleSelection)
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
        rows.changed.connect(self.renewed)
        rows.repainted.connect(self._repaint)
        self.renewed()

    @property
    def selected(self) -> list[int]:
        """Positions of the rows that are selected."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def in_view(self) -> range:
        """Return the positions of the rows that can be seen."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        return range(max(first, 0), len(self._rows) if last < 0 else last + 1) if len(self._rows) else range(0)

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
                self.scrollTo(self._table.index(position, self._table.pictures))
        self.viewport().update()

    def keyPressEvent(self, event: Any) -> None:
        """Do what a single key stands for here, else what it does in every table."""
        action = self.keys.get(event.key()) if not event.modifiers() else None
        if action is None:
            super().keyPressEvent(event)
        else:
            action()

    def renewed(self) -> None:
        """Show the rows anew; columns that are new get a width of their own."""
        if self._columns != self._rows.columns:
            self._columns = self._rows.columns
            for column, width in enumerate(self._rows.widths(), self._table.pictures):
                self.setColumnWidth(column, 20 + self.fontMetrics().averageCharWidth() * width)
        self.mark(self._id)

    def _repaint(self) -> None:
        self.viewport().update()

    def _moved(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self._chosen(current.row())
