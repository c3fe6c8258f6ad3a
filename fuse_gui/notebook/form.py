"""Draws a form with ipywidgets: one widget for each kind of field."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from fuse_engine.core.catalog import FieldKind
from fuse_gui.models.field import Field, Item
from fuse_gui.models.field_list import MOVE_DOWN, MOVE_UP, REMOVE, FieldList
from fuse_gui.models.form import Group, Slot

HELP, WRONG, TITLE = "color: #737a85; font-size: 11px", "color: #d0353a; font-size: 12px", "font-weight: bold"
GRID = {"grid_template_columns": "110px minmax(0, 1fr)", "width": "100%", "grid_gap": "2px 6px"}


class Text(W.HTML):  # type: ignore[misc]
    """A line of plain text; what looks like markup stays text, and an empty one takes no room."""

    def __init__(self, text: str = "", style: str = HELP) -> None:
        """Take the text and its style."""
        super().__init__()
        self._style = style
        self.say(text)

    def say(self, text: str) -> None:
        """Show another text."""
        self.value = f'<div style="{self._style}; line-height: 1.3">{html.escape(text)}</div>' if text else ""
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


class Row(W.VBox):  # type: ignore[misc]
    """One field: its control, what is wrong with it, and its help."""

    def __init__(self, field: Field, control: W.ValueWidget) -> None:
        """Take the field and the control that shows it."""
        self.field, self.control, self._quiet = field, control, False
        control.tooltip = field.help
        control.layout.width = "100%"
        control.add_class(f"fuse-field-{field.spec.name}")
        super().__init__([control, Message(field), Text(field.help)])
        self._show()
        control.observe(self._take, "value")
        field.changed.connect(self._show)

    def _take(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self.field.set(change["new"])

    def _show(self) -> None:
        self._quiet = True
        if isinstance(self.control, W.Checkbox):
            self.control.value = bool(self.field.value)
        else:
            if isinstance(self.control, W.Combobox | W.Dropdown):
                self.control.options = self.field.choices
            self.control.value = self.field.text()
        self._quiet = False


class SlotMenu(W.Dropdown):  # type: ignore[misc]
    """The menu of a slot: which component is chosen."""

    def __init__(self, slot: Slot) -> None:
        """Follow the slot."""
        super().__init__(options=slot.options, value=slot.chosen, tooltip=slot.help)
        self._slot, self._quiet = slot, False
        self.layout.width = "100%"
        self.add_class(f"fuse-field-{slot.spec.name}")
        self.observe(self._take, "value")
        slot.chosen_changed.connect(self._show)

    def _take(self, change: dict[str, Any]) -> None:
        if not self._quiet:
            self._slot.choose(change["new"])

    def _show(self) -> None:
        self._quiet = True
        self.options = self._slot.options
        self.value = self._slot.chosen
        self._quiet = False


class SlotPages(W.VBox):  # type: ignore[misc]
    """The form of what a slot holds; the forms of former choices wait out of sight."""

    def __init__(self, slot: Slot) -> None:
        """Follow the slot."""
        self._message = Message(slot)
        super().__init__([self._message])
        self._slot, self._pages = slot, dict[str, W.Widget]()
        self.layout.padding = "0 0 0 10px"
        self.layout.width = "100%"
        slot.chosen_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        chosen, form = self._slot.chosen, self._slot.form
        if form is not None and chosen not in self._pages:
            self._pages[chosen] = render(form)
            self.children = (self._message, *self._pages.values())
        for name, page in self._pages.items():
            show(page, name == chosen)


class Extras(W.VBox):  # type: ignore[misc]
    """The arguments of the file that a component does not know, each with a way to remove it."""

    def __init__(self, group: Group) -> None:
        """Follow the group."""
        super().__init__()
        self._group = group
        group.extras_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.children = tuple(
            button(self._group.drop_label(name), "", lambda name=name: self._group.drop_extra(name))  # type: ignore[misc]
            for name in self._group.extras
        )


class Card(W.VBox):  # type: ignore[misc]
    """One item of a list: what it is called, what it is, and its place in the list."""

    def __init__(self, items: FieldList, item: Item) -> None:
        """Draw the item and the buttons that change its place."""
        self._list, self.item = items, item
        self._name: Any = W.Text(continuous_update=False) if items.named else Text(style="")
        self._name.layout.width = "110px" if items.named else "20px"
        chooses = isinstance(item, Slot) and not item.fixed
        middle = SlotMenu(item) if isinstance(item, Slot) and chooses else Text()
        buttons = [
            button("↑", MOVE_UP, lambda: items.move(self._index, -1), "32px"),
            button("↓", MOVE_DOWN, lambda: items.move(self._index, 1), "32px"),
            button("×", REMOVE, lambda: items.remove(self._index), "32px"),
        ]
        inner = render(item) if isinstance(item, Field) else middle
        head = W.HBox([self._name, inner, *buttons])
        body = [] if isinstance(item, Field) else [SlotPages(item) if isinstance(item, Slot) else render(item)]
        super().__init__([head, *body])
        self.layout.width = "100%"
        if not items.of_fields:
            self.layout.border, self.layout.padding, self.layout.margin = "1px solid #c4c8ce", "4px", "2px 0"
        self.follow()
        if items.named:
            self._name.observe(self._rename, "value")

    @property
    def _index(self) -> int:
        return self._list.items.index(self.item)

    def follow(self) -> None:
        """Show the item's name or number again."""
        if self._list.named:
            self._name.value = self._list.names[self._index]
        else:
            self._name.say(f"{self._index + 1}")

    def _rename(self, change: dict[str, Any]) -> None:
        self._list.rename(self._index, change["new"])


class ListBox(W.VBox):  # type: ignore[misc]
    """A list: a card for each item, and a way to add one."""

    def __init__(self, items: FieldList, titled: bool = True) -> None:
        """Follow the list."""
        self._list, self._cards = items, W.VBox()
        self._menu = W.Dropdown(layout={"width": "auto"})
        add = button(items.add_label, "", self._add)
        super().__init__(
            [
                Text(items.label if titled else "", TITLE),
                Text(items.help),
                self._cards,
                Message(items),
                W.HBox([self._menu, add]),
            ]
        )
        self.layout.width = "100%"
        items.items_changed.connect(self._show)
        self._show()

    def _add(self) -> None:
        self._list.add(self._menu.value or "")

    def _show(self) -> None:
        options = self._list.options
        if self._menu.options != options:
            self._menu.options = options
        show(self._menu, bool(options))
        known = {id(card.item): card for card in self._cards.children}
        self._cards.children = [known.get(id(item)) or Card(self._list, item) for item in self._list.items]
        for card in self._cards.children:
            card.follow()


def render(item: Item) -> W.Widget:
    """Return the widget of a part of a form."""
    return _group(item) if isinstance(item, Group) else CONTROLS[item.spec.kind](item)


def show(widget: W.DOMWidget, shown: bool) -> None:
    """Show or hide a widget; a hidden one takes no room."""
    widget.layout.display = None if shown else "none"


def button(text: str, help_text: str, action: Callable[[], None], width: str = "auto") -> W.Button:
    """Return a button that runs `action`."""
    made = W.Button(description=text, tooltip=help_text, layout={"width": width})
    made.on_click(lambda _: action())
    return made


def _group(group: Group) -> W.VBox:
    parts: list[W.Widget] = [Text(group.help), Message(group), Extras(group)]
    for item in group.items.values():
        parts += _rows(item)
    return W.VBox(parts, layout={"width": "100%"})


def _rows(item: Item) -> list[W.Widget]:
    if isinstance(item, Field):
        return [W.GridBox([Text(item.label, ""), render(item)], layout=GRID)]
    if isinstance(item, Slot):
        menu = [] if item.fixed else [SlotMenu(item)]
        return [W.GridBox([Text(item.label, ""), *menu], layout=GRID), SlotPages(item)]
    if isinstance(item, FieldList) and item.of_fields:
        return [W.GridBox([Text(item.label, ""), ListBox(item, titled=False)], layout=GRID)]
    return [render(item)]


def _slot(slot: Slot) -> W.VBox:
    return W.VBox([SlotPages(slot)] if slot.fixed else [SlotMenu(slot), SlotPages(slot)])


def _switch(field: Field) -> Row:
    return _menu(field) if field.choices else Row(field, W.Checkbox(indent=False))


def _edit(field: Field) -> Row:
    return Row(field, W.Text(continuous_update=False))


def _menu(field: Field) -> Row:
    return Row(field, W.Dropdown(options=field.choices))


def _key(field: Field) -> Row:
    return Row(field, W.Combobox(options=field.choices, continuous_update=False))


CONTROLS: dict[FieldKind, Callable[[Any], W.Widget]] = {
    "bool": _switch,
    "int": _edit,
    "float": _edit,
    "text": _edit,
    "choice": _menu,
    "path": _edit,
    "numbers": _edit,
    "key": _key,
    "slot": _slot,
    "list": ListBox,
}
"""Every kind of field and what draws it."""
