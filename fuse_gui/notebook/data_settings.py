"""The forms of the Data panel drawn with ipywidgets."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.data_settings import DataSettings
from fuse_gui.notebook.controls import TITLE, Text
from fuse_gui.notebook.form import render


class DataSettingsView(W.Accordion):  # type: ignore[misc]
    """The forms below a heading; they are drawn when a person first opens it."""

    def __init__(self, model: DataSettings) -> None:
        """Take the forms."""
        self._model, self._forms = model, W.VBox()
        super().__init__([self._forms], titles=[model.title])
        self.observe(lambda change: self._draw(), "selected_index")

    def _draw(self) -> None:
        if not self._forms.children:
            items = self._model.items.values()
            self._forms.children = tuple(
                part for item in items for part in (Text(item.label, TITLE), render(item))
            )
