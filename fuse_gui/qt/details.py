"""What is known about a sample, drawn with Qt: names and values under headings."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from fuse_gui.models.details import Section
from fuse_gui.qt.controls import tooltip


class DetailsView(QTreeWidget):  # type: ignore[misc]
    """Sections with their rows; a long value is cut off and stands in its tooltip."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.setObjectName("fuse-details")
        self.setHeaderHidden(True)
        self.setColumnCount(2)
        self.setIndentation(10)
        self.setUniformRowHeights(True)
        self.setMinimumHeight(110)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self._sections: Sequence[Section] = ()

    def say(self, sections: Sequence[Section]) -> None:
        """Show other sections; those that were folded stay so."""
        if sections == self._sections:
            return
        folded = {
            self.topLevelItem(index).text(0)
            for index in range(self.topLevelItemCount())
            if not self.topLevelItem(index).isExpanded()
        }
        self._sections = sections
        self.clear()
        for section in sections:
            self._add(section, section.title not in folded)

    def _add(self, section: Section, is_open: bool) -> None:
        head = QTreeWidgetItem([section.title])
        self.addTopLevelItem(head)
        head.setFirstColumnSpanned(True)
        font = head.font(0)
        font.setBold(True)
        head.setFont(0, font)
        for name, value in section.rows:
            row = QTreeWidgetItem([name, value])
            row.setToolTip(1, tooltip(value))
            head.addChild(row)
        head.setExpanded(is_open)
