"""Draws a form with Qt: one widget for each kind of field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from fuse_engine.core.catalog import FieldKind
from fuse_gui.models.field import Field, Item
from fuse_gui.models.field_list import FieldList
from fuse_gui.models.form import Group, Slot
from fuse_gui.qt.cards import ListBox, More, Parts
from fuse_gui.qt.controls import TITLE, CheckRow, Combo, EditRow, MenuRow, Message, PathRow, Text, tooltip
from fuse_gui.qt.distribution import DistributionRow
from fuse_gui.qt.reveal import reveal


class SlotMenu(Combo):
    """The menu of a slot: which component is chosen."""

    def __init__(self, slot: Slot) -> None:
        """Follow the slot."""
        super().__init__()
        self._slot = slot
        self.setObjectName(slot.spec.name)
        self.setToolTip(tooltip(slot.help))
        self.activated.connect(self._take)
        slot.chosen_changed.connect(self._show)
        slot.wanted.connect(self._reveal)
        self._show()

    def _take(self) -> None:
        self._slot.choose(self.currentText())

    def _show(self) -> None:
        self.offer(self._slot.options, self._slot.chosen)

    def _reveal(self) -> None:
        reveal(self)


class SlotPages(QFrame):  # type: ignore[misc]
    """The form of what a slot holds; the forms of former choices wait out of sight.

    Where lists are folded away at first, a form is drawn when it is first seen.
    """

    def __init__(self, slot: Slot) -> None:
        """Follow the slot."""
        super().__init__()
        self._slot, self._pages = slot, dict[str, QWidget]()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Message(slot))
        slot.chosen_changed.connect(self._show)
        self._show()

    def showEvent(self, event: Any) -> None:
        """Draw the form."""
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        chosen, form = self._slot.chosen, self._slot.form
        if form is not None and chosen not in self._pages and (self.isVisible() or not self._slot.offers.folded):
            page = self._pages[chosen] = GroupForm(form)
            self.layout().addWidget(page)
        for name, page in self._pages.items():
            page.setVisible(name == chosen)


class GroupForm(QWidget):  # type: ignore[misc]
    """The fields of a group, one row each, labels aligned."""

    def __init__(self, group: Group) -> None:
        """Draw every field of the group."""
        super().__init__()
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 2, 0, 2)
        self._rows.setVerticalSpacing(5)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._rows.addRow(stack([Text(group.help), Message(group), Extras(group)]))
        for item in group.items.values():
            self._add(item)

    def _add(self, item: Item) -> None:
        if isinstance(item, Field):
            self._rows.addRow(_label(item), render(item))
        elif isinstance(item, Slot):
            self._rows.addRow(_label(item), QWidget() if item.fixed else SlotMenu(item))
            self._rows.addRow(SlotPages(item))
        elif isinstance(item, FieldList) and item.of_fields:
            self._rows.addRow(_label(item), list_of(item, titled=False))
        else:
            self._rows.addRow(render(item))


class Extras(QWidget):  # type: ignore[misc]
    """The arguments of the file that a component does not know, each with a way to remove it."""

    def __init__(self, group: Group) -> None:
        """Follow the group."""
        super().__init__()
        self._group = group
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        group.extras_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        while self._rows.count():
            old = self._rows.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        for name in self._group.extras:
            row = QPushButton(self._group.drop_label(name))
            row.clicked.connect(lambda _=False, name=name: self._group.drop_extra(name))
            self._rows.addWidget(row)
        self.setVisible(bool(self._group.extras))


class SlotBox(QWidget):  # type: ignore[misc]
    """A slot by itself: its menu and the form of what it holds."""

    def __init__(self, slot: Slot) -> None:
        """Draw the slot."""
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        if not slot.fixed:
            column.addWidget(SlotMenu(slot))
        column.addWidget(SlotPages(slot))


def render(item: Item) -> QWidget:
    """Return the widget of a part of a form."""
    return GroupForm(item) if isinstance(item, Group) else CONTROLS[item.spec.kind](item)


def _label(item: Item) -> QLabel:
    label = QLabel(item.label)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setToolTip(tooltip(item.help))
    return label


def stack(parts: Sequence[QWidget]) -> QWidget:
    """Return widgets one below the other, without room between them."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for part in parts:
        column.addWidget(part)
    return box


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


CONTROLS: dict[FieldKind, Callable[[Any], QWidget]] = {
    "bool": lambda field: MenuRow(field) if field.choices else CheckRow(field),
    "int": EditRow,
    "float": EditRow,
    "text": EditRow,
    "choice": MenuRow,
    "path": PathRow,
    "numbers": EditRow,
    "distribution": DistributionRow,
    "key": MenuRow,
    "slot": SlotBox,
    "list": list_of,
}
"""Every kind of field and what draws it."""


def section(item: Item) -> QWidget:
    """Return a part of the form under a heading, unless it brings its own."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    if item.spec.kind == "slot":
        column.addWidget(Text(item.label, TITLE))
        column.addWidget(Text(item.help))
    column.addWidget(render(item))
    return box
