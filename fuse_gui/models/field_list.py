"""A list of items in a form: components, keys or settings, with or without names; knows no toolkit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import FieldSpec
from fuse_engine.core.errors import FuseError, short
from fuse_gui.models.field import Holder, Item, Offers
from fuse_gui.models.names import free, snake

MOVE_UP, MOVE_DOWN, REMOVE, FOLD, NAME, BROWSE = (
    "Move up",
    "Move down",
    "Remove",
    "Show or hide",
    "Name",
    "Browse …",
)
"""The words on the buttons of every form."""


class FieldList(Holder):
    """A list of items that a person adds to, removes from, sorts and, where they have names, renames."""

    items_changed = Signal()
    """Items were added, removed, moved or renamed."""

    def __init__(self, spec: FieldSpec, offers: Offers, make: Callable[[FieldSpec, Offers], Item]) -> None:
        """Start at the default; `make` returns a new item for what the list holds."""
        super().__init__(spec, offers)
        if spec.item is None:
            raise TypeError(f"{spec.name}: a list needs to say what it holds")
        self._item_spec: FieldSpec = spec.item
        self._make = make
        self.items: list[Item] = []
        self.names: list[str] = []
        self.load_default()

    @property
    def named(self) -> bool:
        """Whether every item has a name of its own."""
        return self.spec.named

    @property
    def options(self) -> tuple[str, ...]:
        """What can be added: components by name; empty where an item is a plain field."""
        return self.offers.choices(self._item_spec.slot) if self._item_spec.slot else ()

    @property
    def of_fields(self) -> bool:
        """Whether every item is one line: a key, a text or a number without a name."""
        return self._item_spec.kind not in ("slot", "list") and not self.named

    @property
    def begins_folded(self) -> bool:
        """Whether an item that is drawn now is folded away at first."""
        return self.offers.folded and not self._touched and not self.of_fields

    @property
    def add_label(self) -> str:
        """The words on the button that adds an item."""
        return f"Add {self._item_spec.slot}".strip()

    def children(self) -> Sequence[tuple[str, Item]]:
        """Return the items by name or position."""
        keys = self.names if self.named else map(str, range(len(self.items)))
        return tuple(zip(keys, self.items, strict=True))

    def add(self, choice: str = "", name: str = "") -> Item:
        """Add an item at the end: a component by name, under a name that is free."""
        item = self._new()
        if choice:
            entry = self.offers.entries(self._item_spec.slot).get(choice)
            item.load({choice: dict(self.offers.starts(entry)) if entry else {}})
        self.items.append(item)
        if self.named:
            self.names.append(free(name or snake(choice) or self._item_spec.name, self.names))
        self._structure_edited()
        return item

    def remove(self, index: int) -> None:
        """Remove the item at a position."""
        del self.items[index]
        if self.named:
            del self.names[index]
        self._structure_edited()

    def move(self, index: int, by: int) -> None:
        """Move an item up (negative) or down; at the end of the list it stays."""
        target = min(max(index + by, 0), len(self.items) - 1)
        if target == index:
            return
        self.items.insert(target, self.items.pop(index))
        if self.named:
            self.names.insert(target, self.names.pop(index))
        self._structure_edited()

    def rename(self, index: int, name: str) -> None:
        """Give an item another name; one that is taken or unusable changes nothing but `error`."""
        name = name.strip()
        if name == self.names[index]:
            self._say(error="")
            return
        if name in self.names:
            self._say(error=f"the name '{name}' is taken")
        elif not re.fullmatch(r"\w+", name):
            self._say(error=f"'{name}' cannot be a name; expected letters, digits and _")
        else:
            self.names[index] = name
            self._structure_edited()

    def load(self, plain: Any) -> None:
        """Take a list or a mapping; items that stay keep what was typed into them."""
        self._loaded(plain)
        fits = isinstance(plain, Mapping) if self.named else isinstance(plain, list | tuple)
        if not fits and plain is not None:
            self._put([], [])
            shape = "{name: item}" if self.named else "[item, item]"
            self._say(error=str(FuseError("not a list", expected=shape, got=short(plain))))
            return
        self._say(error="")
        names = [str(name) for name in plain] if self.named and plain else []
        values = list(plain.values() if self.named else plain) if plain else []
        known = dict(zip(self.names, self.items, strict=True)) if self.named else dict(enumerate(self.items))
        keys: Sequence[Any] = names if self.named else range(len(values))
        items = [known.get(key) or self._new() for key in keys]
        for item, value in zip(items, values, strict=True):
            item.load(value)
        self._put(names, items)

    def load_default(self) -> None:
        """Take the default items."""
        self.load(self.spec.default)
        self.given = False

    def _built(self) -> Any:
        values = [item.plain() for item in self.items]
        if self.named:
            return dict(zip(self.names, values, strict=True))
        filled = [value for value in values if value is not None]
        return None if self.spec.optional and not filled else filled

    def refresh(self) -> None:
        """Look again at what can be added, and at the items."""
        self.items_changed.emit()
        super().refresh()

    def forget_defaults(self) -> None:
        """Leave the list out of the file where it is the default."""
        if not self.spec.required and self.plain() == self.spec.default:
            self.given = False

    def _new(self) -> Item:
        item = self._make(self._item_spec, self.offers)
        item.given = True
        item.edited.connect(self._inside_edited)
        item.trouble_changed.connect(self._trouble_inside)
        return item

    def _put(self, names: list[str], items: list[Item]) -> None:
        before = (self.names, self.items)
        self.names, self.items = names, items
        if before != (names, items):
            self.items_changed.emit()
            self._trouble_inside()

    def _structure_edited(self) -> None:
        self._say(error="", problem="")
        self._touched = self.given = True
        self.items_changed.emit()
        self.edited.emit()
