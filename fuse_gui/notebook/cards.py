"""A list in a form, drawn with ipywidgets: a card for each item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W

from fuse_gui.models.field import Item
from fuse_gui.models.field_list import FOLD, MOVE_DOWN, MOVE_UP, REMOVE, FieldList
from fuse_gui.notebook.controls import TITLE, WRONG, Message, Text, button, drop, show

Parts = tuple[W.Widget | None, W.Widget | None]
"""What stands in the head of a card, and what stands below."""
More = Callable[[Item], W.Widget | None]


class Card(W.VBox):  # type: ignore[misc]
    """One item of a list: what it is called, what it is, and its place in the list."""

    def __init__(self, items: FieldList, item: Item, parts: Parts, more: W.Widget | None) -> None:
        """Draw the buttons that change the item's place around its parts; `more` comes between them."""
        self._list, self.item, self.more = items, item, more
        control, self._body = parts
        self._name: Any = W.Text(continuous_update=False) if items.named else Text(style="")
        self._name.layout.width = "110px" if items.named else "20px"
        buttons = [
            button("↑", MOVE_UP, lambda: items.move(self._index, -1), "32px"),
            button("↓", MOVE_DOWN, lambda: items.move(self._index, 1), "32px"),
            button("×", REMOVE, lambda: items.remove(self._index), "32px"),
        ]
        self._fold = button("▾", FOLD, self._toggle, "32px")
        show(self._fold, self._body is not None)
        head = W.HBox([self._fold, self._name, control or Text(), *buttons])
        self._trouble = Text("", WRONG)
        super().__init__([part for part in (head, more, self._trouble, self._body) if part is not None])
        self.layout.width = "100%"
        if not items.of_fields:
            self.layout.border, self.layout.padding, self.layout.margin = "1px solid #c4c8ce", "4px", "2px 0"
        self.follow()
        item.wanted.connect(self.unfold)
        item.trouble_changed.connect(self._say)
        if items.named:
            self._name.add_class("fuse-name")
            self._name.observe(self._rename, "value")

    @property
    def _index(self) -> int:
        return self._list.items.index(self.item)

    def follow(self) -> None:
        """Show the item's name or number again."""
        if self._list.named:
            self._name.value = self._list.names[self._index]
        elif not self._list.of_fields:
            self._name.say(f"{self._index + 1}")

    def unfold(self, shown: bool = True) -> None:
        """Show or hide what is below the card's head."""
        if self._body is not None:
            show(self._body, shown)
            self._fold.description = "▾" if shown else "▸"
            self._say()

    def _say(self) -> None:
        """Say what is wrong inside while it is folded away."""
        folded = self._body is not None and self._body.layout.display == "none"
        self._trouble.say(self.item.trouble if folded else "")

    def _toggle(self) -> None:
        self.unfold(self._body is not None and self._body.layout.display == "none")

    def _rename(self, change: dict[str, Any]) -> None:
        self._list.rename(self._index, change["new"])


class ListBox(W.VBox):  # type: ignore[misc]
    """A list: a card for each item, and a way to add one."""

    def __init__(self, items: FieldList, parts_of: Callable[[Item], Parts], more: More, titled: bool) -> None:
        """Follow the list; `parts_of` draws an item, `more` returns what a panel adds to its card."""
        self._parts_of, self._more = parts_of, more
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

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards in the order of the list."""
        return tuple(self._cards.children)

    def _add(self) -> None:
        self._list.add(self._menu.value or "")

    def _show(self) -> None:
        options = self._list.options
        if self._menu.options != options:
            self._menu.options = options
            self._menu.value = next(iter(options), None)
        show(self._menu, bool(options))
        known = {id(card.item): card for card in self.cards}
        self._cards.children = [known.get(id(item)) or self._card(item) for item in self._list.items]
        for card in set(known.values()) - set(self.cards):
            drop(card)
        for card in self.cards:
            card.follow()

    def _card(self, item: Item) -> Card:
        card = Card(self._list, item, self._parts_of(item), self._more(item))
        if self._list.begins_folded:
            card.unfold(False)
        return card
