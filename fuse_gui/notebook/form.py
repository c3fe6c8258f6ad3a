"""Draws a form with ipywidgets: one widget for each kind of field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W

from fuse_engine.core.catalog import FieldKind
from fuse_gui.models.field import Field, Item
from fuse_gui.models.field_list import FieldList
from fuse_gui.models.form import Group, Slot
from fuse_gui.notebook.cards import ListBox, More, Parts
from fuse_gui.notebook.controls import WIDE, Message, Text, button, show
from fuse_gui.notebook.distribution import DistributionRow

GRID = {"grid_template_columns": "110px minmax(0, 1fr)", "width": "100%", "grid_gap": "2px 6px"}


class Row(W.VBox):  # type: ignore[misc]
    """One field: its control, what is wrong with it, and its help."""

    def __init__(self, field: Field, control: W.ValueWidget) -> None:
        """Take the field and the control that shows it."""
        self.field, self.control, self._quiet = field, control, False
        control.tooltip = field.help
        control.layout.width = WIDE
        control.add_class(f"fuse-field-{field.spec.name}")
        self.beside = Text()
        super().__init__([control, self.beside, Message(field), Text(field.help)], layout={"width": "100%"})
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
        self.beside.say(self.field.beside)
        self._quiet = False


class SlotMenu(W.Dropdown):  # type: ignore[misc]
    """The menu of a slot: which component is chosen."""

    def __init__(self, slot: Slot) -> None:
        """Follow the slot."""
        super().__init__(options=slot.options, value=slot.chosen, tooltip=slot.help)
        self._slot, self._quiet = slot, False
        self.layout.width = WIDE
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


def render(item: Item) -> W.Widget:
    """Return the widget of a part of a form."""
    return _group(item) if isinstance(item, Group) else CONTROLS[item.spec.kind](item)


def parts_of(item: Item) -> Parts:
    """Return what stands in the head of the card of an item, and what stands below."""
    if isinstance(item, Field):
        return render(item), None
    if isinstance(item, Slot):
        return None if item.fixed else SlotMenu(item), SlotPages(item)
    return None, render(item)


def list_of(items: FieldList, more: More = lambda item: None, titled: bool = True) -> ListBox:
    """Return the widget of a list; `more` returns what a panel adds to the card of an item."""
    return ListBox(items, parts_of, more, titled)


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
        return [W.GridBox([Text(item.label, ""), list_of(item, titled=False)], layout=GRID)]
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
    "distribution": DistributionRow,
    "key": _key,
    "slot": _slot,
    "list": list_of,
}
"""Every kind of field and what draws it."""
