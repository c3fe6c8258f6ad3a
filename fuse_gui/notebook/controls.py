"""Texts and buttons, alike in every panel of a notebook."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as W

from fuse_gui.models.field import Item

HELP, WRONG, TITLE = "color: #737a85; font-size: 11px", "color: #d0353a; font-size: 12px", "font-weight: bold"
WIDE = "calc(100% - 4px)"
"""As wide as the place of a control, which has a margin of 2 px on both sides."""


class Text(W.HTML):  # type: ignore[misc]
    """Lines of plain text; what looks like markup stays text, and an empty one takes no room."""

    def __init__(self, text: str = "", style: str = HELP) -> None:
        """Take the text and its style."""
        super().__init__()
        self._style = style
        self.say(text)

    def restyle(self, style: str) -> None:
        """Draw what is said next in another style."""
        self._style = style

    def say(self, text: str) -> None:
        """Show another text."""
        self.text = text
        style = f"{self._style}; line-height: 1.3; white-space: pre-line"
        self.value = f'<div style="{style}">{html.escape(text)}</div>' if text else ""
        show(self, bool(text))


class Message(Text):
    """What is wrong with an item, while something is."""

    def __init__(self, item: Item) -> None:
        """Follow the item."""
        super().__init__(item.message, WRONG)
        self._item = item
        item.message_changed.connect(self._follow)

    def _follow(self) -> None:
        self.say(self._item.message)


def show(widget: W.DOMWidget, shown: bool) -> None:
    """Show or hide a widget; a hidden one takes no room."""
    widget.layout.display = None if shown else "none"


def button(text: str, help_text: str, action: Callable[[], None], width: str = "auto") -> W.Button:
    """Return a button that runs `action`."""
    made = W.Button(description=text, tooltip=help_text, layout={"width": width, "flex": "0 0 auto"})
    if len(text) == 1:
        made.layout.padding = "0"
    made.on_click(lambda _: action())
    return made


def drop(widget: W.Widget) -> None:
    """Let go of a widget and all in it; ipywidgets keeps what is not closed for ever."""
    for child in getattr(widget, "children", ()):
        drop(child)
    widget.close()
