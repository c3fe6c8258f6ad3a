"""A list in a form, drawn with Qt: a card for each item."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from fuse_gui.models.field import Item
from fuse_gui.models.field_list import FOLD, MOVE_DOWN, MOVE_UP, NAME, REMOVE, FieldList
from fuse_gui.qt.controls import TITLE, WRONG, Combo, Message, Text
from fuse_gui.qt.reveal import Folding

CARD = "QFrame#fuse-card { border: 1px solid rgba(128, 136, 148, 90); border-radius: 4px; }"

Parts = tuple[QWidget | None, QWidget | None]
"""What stands in the head of a card, and what stands below."""
More = Callable[[Item], QWidget | None]


class Card(Folding):
    """One item of a list: what it is called, what it is, and its place in the list."""

    def __init__(self, items: FieldList, item: Item, parts: Parts, more: QWidget | None) -> None:
        """Draw the buttons that change the item's place around its parts; `more` comes between them."""
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
        control, self._body = parts
        if control is not None and items.named:
            column.addWidget(control)
        if more is not None:
            column.addWidget(more)
        if self._body is not None:
            self._fold = button("▾", FOLD, self._toggle)
            head.addWidget(self._fold)
            self._trouble = Text("", WRONG)
            column.addWidget(self._trouble)
            column.addWidget(self._body)
            item.trouble_changed.connect(self._say)
            item.wanted.connect(self.unfold)
        self._name = QLineEdit() if items.named else QLabel()
        self._name.setToolTip(NAME if items.named else "")
        if isinstance(self._name, QLineEdit):
            self._name.setObjectName("name")
            self._name.setMinimumWidth(60)
            self._name.editingFinished.connect(self._rename)
        else:
            self._name.setTextFormat(Qt.TextFormat.PlainText)
        if items.of_fields:
            self._name.hide()
        head.addWidget(self._name, 3 if items.named else 0)
        if control is not None and not items.named:
            head.addWidget(control, 3)
        else:
            head.addStretch(1)
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
            if shown != self._body.isVisibleTo(self):
                self._body.setVisible(shown)
            self._fold.setText("▾" if shown else "▸")
            self._say()

    def _say(self) -> None:
        """Say what is wrong inside while it is folded away."""
        if self._body is not None:
            self._trouble.say(self.item.trouble if self._body.isHidden() else "")

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

    def __init__(self, items: FieldList, parts_of: Callable[[Item], Parts], more: More, titled: bool) -> None:
        """Follow the list; `parts_of` draws an item, `more` returns what a panel adds to its card."""
        super().__init__()
        self._list, self._parts_of, self._more, self.cards = items, parts_of, more, list[Card]()
        self.setObjectName(f"list-{items.spec.name}")
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
        self.cards = [known.get(id(item)) or self._card(item) for item in self._list.items]
        for card in set(known.values()) - set(self.cards):
            self._rows.removeWidget(card)
            card.hide()
            card.deleteLater()
        for index, card in enumerate(self.cards):
            self._rows.insertWidget(index, card)
            card.show()  # at once, so that it can be scrolled to
            card.follow()

    def _card(self, item: Item) -> Card:
        card = Card(self._list, item, self._parts_of(item), self._more(item))
        if self._list.begins_folded:
            card.unfold(False)
        return card


def button(text: str, help_text: str, action: Callable[[], None]) -> QToolButton:
    """Return a small button."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(help_text)
    made.setAutoRaise(True)
    made.setFixedWidth(24)
    made.clicked.connect(action)
    return made
