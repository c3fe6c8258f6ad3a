"""Draws a form with Qt: one widget for each kind of field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fuse_engine.core.catalog import FieldKind
from fuse_gui.models.field import Field, Item
from fuse_gui.models.field_list import FOLD, MOVE_DOWN, MOVE_UP, NAME, REMOVE, FieldList
from fuse_gui.models.form import Group, Slot
from fuse_gui.qt.controls import TITLE, CheckRow, Combo, EditRow, MenuRow, Message, PathRow, Text, reveal, tooltip

CARD = "QFrame#fuse-card { border: 1px solid rgba(128, 136, 148, 90); border-radius: 4px; }"


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
    """The form of what a slot holds; the forms of former choices wait out of sight."""

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

    def _show(self) -> None:
        chosen, form = self._slot.chosen, self._slot.form
        if form is not None and chosen not in self._pages:
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
            self._rows.addRow(_label(item), ListBox(item, titled=False))
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


class Card(QFrame):  # type: ignore[misc]
    """One item of a list: what it is called, what it is, and its place in the list."""

    def __init__(self, items: FieldList, item: Item, more: QWidget | None = None) -> None:
        """Draw the item and the buttons that change its place; `more` comes between head and form."""
        super().__init__()
        self._list, self.item = items, item
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        if not items.of_fields:
            self.setObjectName("fuse-card")
            self.setStyleSheet(CARD)
            column.setContentsMargins(6, 4, 4, 4)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(3)
        column.addLayout(head)
        self._body: QWidget | None = None if isinstance(item, Field) else body_of(item)
        if more is not None:
            column.addWidget(more)
        if self._body is not None:
            self._fold = button("▾", FOLD, self._toggle)
            head.addWidget(self._fold)
            column.addWidget(self._body)
        self._name = QLineEdit() if items.named else QLabel()
        self._name.setToolTip(NAME if items.named else "")
        if isinstance(self._name, QLineEdit):
            self._name.setObjectName("name")
            self._name.setMinimumWidth(60)
            self._name.editingFinished.connect(self._rename)
        head.addWidget(self._name, 3 if items.named else 0)
        if isinstance(item, Field):
            head.addWidget(render(item), 3)
        elif isinstance(item, Slot) and not item.fixed:
            head.addWidget(SlotMenu(item), 3)
        else:
            head.addStretch(3)
        for text, help_text, action in (
            ("↑", MOVE_UP, self._up),
            ("↓", MOVE_DOWN, self._down),
            ("×", REMOVE, self._remove),
        ):
            head.addWidget(button(text, help_text, action))
        self.follow()

    @property
    def _index(self) -> int:
        return self._list.items.index(self.item)

    def follow(self) -> None:
        """Show the item's name or number again."""
        self._name.setText(self._list.names[self._index] if self._list.named else f"{self._index + 1}")
        if isinstance(self._name, QLineEdit):
            self._name.setCursorPosition(0)

    def unfold(self, shown: bool = True) -> None:
        """Show or hide what is below the card's head."""
        if self._body is not None:
            self._body.setVisible(shown)
            self._fold.setText("▾" if shown else "▸")

    def _toggle(self) -> None:
        self.unfold(self._body is not None and self._body.isHidden())

    def _rename(self) -> None:
        self._list.rename(self._index, self._name.text())

    def _up(self) -> None:
        self._list.move(self._index, -1)

    def _down(self) -> None:
        self._list.move(self._index, 1)

    def _remove(self) -> None:
        self._list.remove(self._index)


class ListBox(QWidget):  # type: ignore[misc]
    """A list: a card for each item, and a way to add one."""

    def __init__(
        self, items: FieldList, more: Callable[[Item], QWidget | None] = lambda item: None, titled: bool = True
    ) -> None:
        """Follow the list; `more` returns what a panel adds to the card of an item."""
        super().__init__()
        self._list, self._more, self.cards = items, more, list[Card]()
        self.setObjectName(items.spec.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4 if titled else 0, 0, 4)
        column.setSpacing(4)
        column.addWidget(Text(items.label if titled else "", TITLE))
        column.addWidget(Text(items.help))
        self._rows = QVBoxLayout()
        column.addLayout(self._rows)
        column.addWidget(Message(items))
        foot = QHBoxLayout()
        self._menu = Combo()
        self._menu.setObjectName("add")
        add = QPushButton(items.add_label)
        add.setObjectName("add-button")
        add.clicked.connect(self._add)
        foot.addWidget(self._menu, 1)
        foot.addWidget(add)
        foot.addStretch(0 if items.options else 1)
        column.addLayout(foot)
        items.items_changed.connect(self._show)
        self._show()

    def _add(self) -> None:
        self._list.add(self._menu.currentText())

    def _show(self) -> None:
        options = self._list.options
        self._menu.offer(options, self._menu.currentText() or next(iter(options), ""))
        self._menu.setVisible(bool(options))
        known = {id(card.item): card for card in self.cards}
        self.cards = [known.get(id(item)) or Card(self._list, item, self._more(item)) for item in self._list.items]
        for card in set(known.values()) - set(self.cards):
            self._rows.removeWidget(card)
            card.hide()
            card.deleteLater()
        for index, card in enumerate(self.cards):
            self._rows.insertWidget(index, card)
            card.follow()


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


def body_of(item: Item) -> QWidget:
    """Return what stands below the head of a card."""
    return SlotPages(item) if isinstance(item, Slot) else render(item)


def button(text: str, help_text: str, action: Callable[[], None]) -> QToolButton:
    """Return a small button."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(help_text)
    made.setAutoRaise(True)
    made.clicked.connect(lambda: action())
    return made


CONTROLS: dict[FieldKind, Callable[[Any], QWidget]] = {
    "bool": lambda field: MenuRow(field) if field.choices else CheckRow(field),
    "int": EditRow,
    "float": EditRow,
    "text": EditRow,
    "choice": MenuRow,
    "path": PathRow,
    "numbers": EditRow,
    "key": MenuRow,
    "slot": SlotBox,
    "list": ListBox,
}
"""Every kind of field and what draws it."""
