"""The palette of parts in a notebook."""

from __future__ import annotations

import ipywidgets as W

from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.part_palette import Part
from fuse_gui.notebook.controls import WIDE, Text, button, show
from fuse_gui.notebook.draw import LINE

ROWS = 9


class PartPaletteView(W.VBox):  # type: ignore[misc]
    """A search, the parts that fit it, the sentence of the chosen one, and the button that adds it."""

    def __init__(self, builder: BuilderModel) -> None:
        """Follow the model."""
        model = self.model = builder.palette
        self._builder, self._shown, self._quiet = builder, list[Part](), False
        self.words = W.Text(placeholder=model.hint, continuous_update=True, layout={"flex": "1 1 200px"})
        labels = [(label, kind) for kind, label in model.kind_labels.items()]
        self.kind = W.Dropdown(options=labels, value="", layout={"width": "150px"})
        self.list = W.Select(rows=ROWS, layout={"width": WIDE})
        self.sentence, self.note = Text(), Text()
        self.add = button(model.add_label, "", self._add)
        self.name = W.Text(placeholder=model.name_hint, layout={"flex": "1 1 200px"})
        self.save = button(model.save_label, model.save_help, lambda: builder.save_chosen(self.name.value))
        self.keep = W.Box([self.name, self.save], layout=LINE)
        head = W.Box([self.words, self.kind, self.add], layout=LINE)
        super().__init__([head, self.list, self.sentence, self.note, self.keep], layout={"width": "100%"})
        for name, widget in (("words", self.words), ("list", self.list), ("add", self.add)):
            widget.add_class(f"fuse-parts-{name}")
        self.words.observe(lambda change: model.search(change["new"]), "value")
        self.kind.observe(lambda change: model.choose_kind(change["new"]), "value")
        self.list.observe(lambda _: self._say(), "index")
        model.changed.connect(self.draw)
        builder.graph.changed.connect(self._show_save)
        self.draw()
        self._show_save()

    def draw(self) -> None:
        """Show what can be added now."""
        parts = self.model.parts
        if parts != self._shown:
            self._shown, index = parts, self.list.index or 0
            self.list.options = [part.label for part in parts]
            self.list.index = min(index, len(parts) - 1) if parts else None
        self.note.say(self.model.note)
        self._say()

    @property
    def _chosen(self) -> Part | None:
        index = self.list.index
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def _say(self) -> None:
        chosen = self._chosen
        self.sentence.say(self.model.told(chosen) if chosen else self.model.nothing)
        self.add.disabled = chosen is None

    def _add(self) -> None:
        chosen = self._chosen
        if chosen is not None:
            self.model.add(chosen)

    def _show_save(self) -> None:
        show(self.keep, bool(self._builder.graph.chosen) and self._builder.chosen_entry is not None)
