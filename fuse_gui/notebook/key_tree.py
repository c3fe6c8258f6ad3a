"""The tree of keys drawn with ipywidgets."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from fuse_gui.models.key_tree import KeyTree, Node
from fuse_gui.notebook.controls import Text, button

INDENT = 16
"""Pixels from one level of the tree to the next."""
SMALL, MISSING, LINK = "font-size: 12px", "#d0353a", "#1a6fd0"


class KeyTreeView(W.VBox):  # type: ignore[misc]
    """A line for each key, indented; `chosen` is called with the key whose name is clicked."""

    def __init__(self, model: KeyTree, chosen: Callable[[str], None]) -> None:
        """Follow the model."""
        super().__init__(layout={"width": "100%"})
        self._model, self._chosen = model, chosen
        self.lines: list[KeyLine] = []
        model.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        before, self.lines = (
            self.lines,
            [KeyLine(node, self._model.help, self._chosen) for node in self._model.nodes],
        )
        self.children = tuple(self.lines)
        for line in before:
            for part in (*line.children, line):
                part.close()


class KeyLine(W.HBox):  # type: ignore[misc]
    """A key's name, a button where steps make it, and what is known about it."""

    def __init__(self, node: Node, help_text: str, chosen: Callable[[str], None]) -> None:
        """Draw the line."""
        parts = [node.holds, f"← {node.made_by}" if node.made_by else "", node.advice]
        parts.append(f"→ {node.read_by}" if node.read_by else "")
        colour = f"; color: {MISSING}" if node.missing else ""
        self.facts = Text("   ".join(filter(None, parts)), SMALL + colour)
        self.name: W.Widget = Text(node.name, SMALL + colour)
        if node.made_by and node.key.startswith("data."):
            self.name = button(node.name, help_text, lambda: chosen(node.key))
            self.name.layout.padding = "0"
            self.name.style.button_color, self.name.style.text_color = "transparent", LINK
            self.name.style.font_weight = "bold" if node.shown else "normal"
            self.name.add_class("fuse-key")
        self.name.layout.margin = "-4px 10px -4px 0"  # a button's letters stand in the middle of 28 pixels only
        layout = {
            "margin": f"0 0 0 {INDENT * node.depth}px",
            "align_items": "center",
            "min_height": "20px",
            "overflow": "visible",
        }
        super().__init__([self.name, self.facts], layout=layout)
