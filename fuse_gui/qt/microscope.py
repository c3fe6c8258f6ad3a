"""The batch microscope drawn with Qt."""

from __future__ import annotations

from qtpy.QtWidgets import QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from fuse_gui.models.microscope import Microscope, Seen
from fuse_gui.qt.buttons import line, push
from fuse_gui.qt.controls import HELP, TITLE, Text


class MicroscopeView(QWidget):  # type: ignore[misc]
    """The samples of a batch; the chosen one is on the screen."""

    def __init__(self, model: Microscope) -> None:
        """Follow the model."""
        super().__init__()
        self.model = model
        self.setObjectName("fuse-microscope")
        self.state, self.note, self.drawn = Text("", ""), Text("", HELP), Text("", "")
        self.title = Text(model.drawn_label, TITLE)
        self.close_batch = push(model.close_label, model.close_help, model.close)
        self.samples = QTreeWidget()
        self.samples.setRootIsDecorated(False)
        self.samples.setUniformRowHeights(True)
        self._listed: tuple[Seen, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line(self.state, self.close_batch, grows=self.state))
        column.addWidget(self.note)
        column.addWidget(self.samples, 1)
        column.addWidget(self.title)
        column.addWidget(self.drawn)
        self.samples.currentItemChanged.connect(self._choose)
        model.changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the batch as it is now."""
        model = self.model
        self.state.say(model.state)
        self.note.say(model.note)
        self.drawn.say("\n".join(model.drawn))
        self.title.setVisible(bool(model.drawn))
        self.close_batch.setVisible(model.is_open)
        self.samples.setVisible(bool(model.samples))
        if self._listed is not model.samples:
            self._list()
        self.samples.blockSignals(True)
        self.samples.setCurrentItem(self.samples.topLevelItem(model.chosen))
        self.samples.blockSignals(False)

    def _list(self) -> None:
        model, names = self.model, self.model.loss_names
        self._listed = model.samples
        self.samples.blockSignals(True)
        self.samples.clear()
        self.samples.setHeaderLabels([model.sample_label, model.loss_label, *names])
        for sample in model.samples:
            parts = [f"{sample.losses[name]:.4g}" if name in sample.losses else "" for name in names]
            self.samples.addTopLevelItem(QTreeWidgetItem([sample.id, sample.loss_text, *parts]))
        for index in range(self.samples.columnCount()):
            self.samples.resizeColumnToContents(index)
        self.samples.blockSignals(False)

    def _choose(self, item: QTreeWidgetItem | None, _former: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.model.choose(self.samples.indexOfTopLevelItem(item))
