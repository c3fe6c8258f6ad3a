"""The tree of keys drawn with Qt."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from fuse_gui.models.key_tree import KeyTree, Node
from fuse_gui.qt.controls import tooltip

MISSING = "#e5484d"


class KeyTreeView(QTreeWidget):  # type: ignore[misc]
    """Branches and keys; `chosen` is called with the key of the line that is clicked."""

    def __init__(self, model: KeyTree, chosen: Callable[[str], None]) -> None:
        """Follow the model."""
        super().__init__()
        self._model = model
        self.setObjectName("fuse-keys")
        self.setColumnCount(len(model.columns))
        self.setHeaderLabels(list(model.columns))
        self.setToolTip(tooltip(model.help))
        self.setMinimumHeight(160)
        self.setStyleSheet("font-size: 11px;")
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.itemClicked.connect(lambda item: chosen(item.data(0, Qt.ItemDataRole.UserRole)))
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        scrolled = self.verticalScrollBar().value()
        self.clear()
        branches: list[QTreeWidgetItem] = [self.invisibleRootItem()]
        for node in self._model.nodes:
            line = _line(node)
            branches[node.depth].addChild(line)
            branches[node.depth + 1 :] = [line]
        self.expandAll()
        for column in range(self.columnCount()):
            self.resizeColumnToContents(column)
        self.verticalScrollBar().setValue(scrolled)


def _line(node: Node) -> QTreeWidgetItem:
    texts = [node.name, node.holds, node.advice or node.made_by, node.read_by]
    line = QTreeWidgetItem(texts)
    line.setData(0, Qt.ItemDataRole.UserRole, node.key)
    font = line.font(0)
    font.setBold(node.shown)
    line.setFont(0, font)
    for column, text in enumerate(texts):
        line.setToolTip(column, tooltip(text))
        if node.missing:
            line.setForeground(column, QBrush(QColor(MISSING)))
    return line
