"""The hand on the Model panel that ipywidgets draw."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import ipywidgets as W

from fuse_gui.models.builder import BuilderModel
from fuse_gui.notebook.builder import BuilderView
from tests.gui_project import wait_for


class NotebookBuilder:
    def __init__(self, model: BuilderModel) -> None:
        self.model, self.view = model, BuilderView(model)
        self.view.set_active(True)

    def wait(self, condition: Any) -> None:
        wait_for(condition)

    def _walk(self, widget: Any) -> Iterator[Any]:
        if widget.layout.display != "none":
            yield widget
            for child in getattr(widget, "children", ()):
                yield from self._walk(child)

    def words(self) -> str:
        markup = [widget.value for widget in self._walk(self.view) if isinstance(widget, W.HTML)]
        return "\n".join(html.unescape(re.sub("<[^>]*>", " ", text)).replace("  ", " ") for text in markup)

    @property
    def _svg(self) -> ET.Element:
        return ET.fromstring(self.view.graph.value)  # noqa: S314 our own

    def drawn(self) -> list[str]:
        groups = [group for group in self._svg if group.tag.endswith("}g")]
        return [str(text.text) for group in groups for text in group if text.tag.endswith("}text")]

    def red(self) -> int:
        return str(self.view.graph.value).count("#e5484d")

    def click_node(self, name: str) -> None:
        self.view.chooser.value = name

    def shows(self, part: str, name: str) -> bool:
        """Whether the part with a field is open."""
        index = list(self.view.model.items).index(part)
        inside = self._walk(self.view.forms.children[index])
        return self.view.forms.selected_index == index and any(
            f"fuse-field-{name}" in w._dom_classes for w in inside
        )

    def palette(self, words: str) -> list[str]:
        self.view.palette.words.value = words
        return list(self.view.palette.list.options)

    def add(self, label: str) -> None:
        self.view.palette.list.index = self.view.palette.list.options.index(label)
        self.view.palette.add.click()

    def press(self, text: str) -> None:
        def found() -> list[Any]:
            every = [w for w in self._walk(self.view) if isinstance(w, W.Button) and w.description == text]
            return [button for button in every if not button.disabled]

        self.wait(found)  # answers come on another thread, which is still drawing
        found()[0].click()

    def template(self, name: str) -> None:
        self.view.templates.value = name

    def keep(self, name: str) -> None:
        self.view.palette.name.value = name
        self.press(self.model.palette.save_label)

    def open_preflight(self) -> None:
        self.view.more.selected_index = 1

    def rename(self, old: str, new: str) -> None:
        edit = next(w for w in self._walk(self.view) if "fuse-name" in w._dom_classes and w.value == old)
        edit.value = new

    def unfold(self) -> None:
        from fuse_gui.notebook.cards import Card

        for card in [widget for widget in self._walk(self.view) if isinstance(widget, Card)]:
            card.unfold()

    def offered(self, field: str) -> list[str]:
        menu = next(w for w in self._walk(self.view) if f"fuse-field-{field}" in w._dom_classes)
        return list(menu.options)
