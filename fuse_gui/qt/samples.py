"""The table of samples with their pictures, single keys, and a menu for the rows that are selected."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QInputDialog, QMenu

from fuse_gui.models.data import DataModel
from fuse_gui.qt.table import ROW_HEIGHT, RowsView
from fuse_gui.qt.thumbnails import ThumbnailPainter

SETTLE = 60
"""Milliseconds without scrolling after which pictures are asked for."""
MARGIN = 4
"""Rows below those in view whose pictures are asked for too."""


class SamplesView(RowsView):
    """The rows that are seen, a picture in front of each."""

    def __init__(self, model: DataModel) -> None:
        """Follow the model."""
        super().__init__(model.rows, model.select_row, model.tone, several=True)
        self._data = model
        self.setObjectName("fuse-samples")
        self.keys = {
            Qt.Key.Key_A: lambda: model.step(-1),
            Qt.Key.Key_D: lambda: model.step(1),
            Qt.Key.Key_Space: model.toggle_truth,
        }
        self._painter = ThumbnailPainter(model.thumbnails, model.rows.id_at, self)
        self._looking = QTimer(self)
        self._looking.setSingleShot(True)
        self._looking.setInterval(SETTLE)
        self._looking.timeout.connect(self._look)
        self.verticalScrollBar().valueChanged.connect(self._settle)
        self.verticalScrollBar().rangeChanged.connect(self._settle)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        model.rows.changed.connect(self._settle)
        model.thumbnails.changed.connect(self._show_pictures)
        model.project.sample_changed.connect(self.mark)
        self._show_pictures()

    def exclude(self) -> None:
        """Ask for a reason and leave the selected samples out."""
        words, ids = self._data.exclusions, self._selected_ids()
        if ids:
            title = f"{words.exclude_label} ({len(ids)})"
            reason, given = QInputDialog.getItem(self, title, words.question, words.reasons, 0, True)
            if given:
                words.exclude(ids, reason)

    def include(self) -> None:
        """Use the selected samples again."""
        self._data.exclusions.include(self._selected_ids())

    def showEvent(self, event: Any) -> None:
        """Get the pictures that were not asked for while nobody looked."""
        super().showEvent(event)
        self._looking.start()

    def _selected_ids(self) -> list[str]:
        return [self._data.rows.id_at(position) for position in self.selected]

    def _settle(self, *_: int) -> None:
        self._looking.start()

    def _look(self) -> None:
        rows = self.in_view()
        if self.isVisible() and self._data.thumbnails.size:
            self._data.thumbnails.look_at(self._data.rows.ids(rows.start, rows.stop + MARGIN))

    def _show_pictures(self) -> None:
        shown = int(self._data.thumbnails.size > 0)
        size = self._painter.size
        if shown != self._table.pictures:
            self._table.pictures = shown
            self._columns = []
            self._table.renew()
            self.setItemDelegateForColumn(0, self._painter if shown else None)
            self.renewed()
        height = max(ROW_HEIGHT, size.height()) if shown else ROW_HEIGHT
        if self.verticalHeader().defaultSectionSize() != height:
            self.verticalHeader().setDefaultSectionSize(height)
            self._looking.start()
        if shown and self.columnWidth(0) != size.width():
            self.setColumnWidth(0, size.width())
        self.viewport().update()

    def _menu(self, at: Any) -> None:
        words, menu = self._data.exclusions, QMenu(self)
        menu.addAction(words.exclude_label).triggered.connect(lambda _=False: self.exclude())
        menu.addAction(words.include_label).triggered.connect(lambda _=False: self.include())
        menu.exec_(self.viewport().mapToGlobal(at))
