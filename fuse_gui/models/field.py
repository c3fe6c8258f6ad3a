"""One question of a form, and what every part of a form has in common; knows no toolkit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import Entry, FieldSpec
from fuse_engine.core.errors import FuseError
from fuse_gui.models import answer
from fuse_gui.models.key_facts import KeyFact


class Offers:
    """What forms offer: the components of each kind, and the keys that something produces."""

    keys_changed = Signal()

    def __init__(self, entries: Callable[[str], Mapping[str, Entry]], keys: Iterable[str] = ()) -> None:
        """Take a way to the catalogue's entries by kind, and the keys known so far."""
        self.entries = entries
        self.keys = tuple(keys)
        self.facts: Mapping[str, KeyFact] = {}
        """What is known of keys, by key."""
        self.usable: Callable[[Entry], bool] = lambda entry: True
        """Whether a component works for the images of the experiment; others are not offered."""
        self.folded = False
        """Whether the items of a list are folded away when they are loaded; one that is added is open."""
        self.starts: Callable[[Entry], Mapping[str, Any]] = lambda entry: {}
        """What a component starts with when a person chooses it, besides its defaults."""

    def set_keys(self, keys: Iterable[str], facts: Mapping[str, KeyFact] | None = None) -> None:
        """Offer these keys from now on, with what is known of them."""
        known = (tuple(keys), facts or {})
        if known != (self.keys, self.facts):
            self.keys, self.facts = known
            self.keys_changed.emit()

    def keys_for(self, spec: FieldSpec) -> tuple[str, ...]:
        """Return the keys that a field can mean; those of which nothing is known can mean anything."""
        facts = self.facts
        return tuple(key for key in self.keys if key not in facts or facts[key].fits(spec.role, spec.holds))

    def choices(self, kind: str, chosen: str = "") -> tuple[str, ...]:
        """Return the components of a kind by name that work here, and the chosen one."""
        return tuple(n for n, entry in self.entries(kind).items() if n == chosen or self.usable(entry))


class Item(ABC):
    """A part of a form: a field, a slot, a group or a list.

    `load` brings data in and tells only the views; what a person does is told to the form around it as well.
    """

    edited = Signal()
    """Something at or below was changed by a person."""
    message_changed = Signal()
    """The line below the item has changed."""
    trouble_changed = Signal()
    """The line below the item, or below something inside it, has changed."""
    wanted = Signal()
    """The item is to be shown and focused."""

    def __init__(self, spec: FieldSpec, offers: Offers) -> None:
        """Take the question, and what can be offered as its answer."""
        self.spec, self.offers = spec, offers
        self.given = False
        """Whether it stands in the file; what does not is left at its default."""
        self.error = ""
        self.problem = ""
        self.gesture = 0
        """Which drag an edit is part of while it is told; 0 for an edit by itself."""

    @property
    def label(self) -> str:
        """The name as words."""
        return self.spec.name.replace("_", " ")

    @property
    def help(self) -> str:
        """What it means, in a sentence."""
        return self.spec.help

    @property
    def message(self) -> str:
        """What is wrong with it; empty when nothing is known to be."""
        return self.error or self.problem

    @property
    def trouble(self) -> str:
        """The first message at or inside it, behind what it is about; empty when nothing is known to be wrong."""
        wrong = next((item for item in self.walk() if item.message), None)
        return f"{wrong.label}: {wrong.message}" if wrong else ""

    @abstractmethod
    def load(self, plain: Any) -> None:
        """Take the data of the file; what cannot be used is kept and `error` says why."""

    @abstractmethod
    def load_default(self) -> None:
        """Take the default; it does not stand in the file."""

    @abstractmethod
    def plain(self) -> Any:
        """Return the data for the file."""

    @abstractmethod
    def forget_defaults(self) -> None:
        """Leave what equals its default out of the file."""

    def children(self) -> Sequence[tuple[str, Item]]:
        """Return the items directly inside, each with its name in a dotted path."""
        return ()

    def find(self, place: Sequence[str]) -> Item:
        """Return the item nearest to a place below this one."""
        for name, child in self.children():
            if place and name == place[0]:
                return child.find(place[1:])
        return self

    def walk(self) -> Iterable[Item]:
        """Go over this item and everything inside it."""
        yield self
        for _, child in self.children():
            yield from child.walk()

    def refresh(self) -> None:
        """Look again at what is offered: the catalogue has changed."""
        for _, child in self.children():
            child.refresh()

    def show_problems(self, problems: Iterable[tuple[Sequence[str], str]]) -> None:
        """Put each text at the item nearest to its place, and take the former ones away."""
        texts: dict[int, list[str]] = {}
        for place, text in problems:
            texts.setdefault(id(self.find(place)), []).append(text)
        for item in self.walk():
            item._say(problem="; ".join(texts.get(id(item), ())))

    def _trouble_inside(self) -> None:
        self.trouble_changed.emit()

    def _say(self, error: str | None = None, problem: str | None = None) -> None:
        before = self.message
        self.error = self.error if error is None else error
        self.problem = self.problem if problem is None else problem
        if self.message != before:
            self.message_changed.emit()
            self._trouble_inside()


class Holder(Item):
    """An item with items inside: until one of them is edited it gives back exactly what was loaded."""

    def __init__(self, spec: FieldSpec, offers: Offers) -> None:
        """Start untouched."""
        super().__init__(spec, offers)
        self._raw: Any = None
        self._touched = False

    def plain(self) -> Any:
        """Return the data for the file."""
        return self._built() if self._touched else self._raw

    @abstractmethod
    def _built(self) -> Any:
        """Return the data for the file from the items inside."""

    def _loaded(self, raw: Any) -> None:
        self._raw, self._touched, self.given = raw, False, True

    def _inside_edited(self) -> None:
        self._touched = self.given = True
        self.edited.emit()


class Field(Item):
    """One question and its answer; `set` never raises, it keeps the last valid value and says what is wrong."""

    changed = Signal()
    """The value or what is offered for it has changed."""

    def __init__(self, spec: FieldSpec, offers: Offers) -> None:
        """Start at the default."""
        super().__init__(spec, offers)
        self._raw: Any = None
        self._value: Any = None
        self._started = False
        self.load_default()
        self._started = True
        if spec.kind == "key":
            offers.keys_changed.connect(self._keys_changed)

    @property
    def value(self) -> Any:
        """The last valid value, typed; None where it is empty."""
        return self._value

    @property
    def choices(self) -> tuple[str, ...]:
        """What is offered in a menu: the choices, or the keys there are (others may be typed)."""
        spec = self.spec
        empty = ("",) if spec.optional or spec.required else ()
        if spec.kind == "bool":
            return (*empty, "true", "false") if empty else ()
        known = (*empty, *(self.offers.keys_for(spec) if spec.kind == "key" else spec.choices))
        return known if self.text() in known else (*known, self.text())

    def text(self) -> str:
        """Return the value as a person would type it."""
        return answer.show(self._raw)

    @property
    def beside(self) -> str:
        """The shape of what a key holds; empty for any other field, and where it is not known."""
        fact = self.offers.facts.get(self.text()) if self.spec.kind == "key" else None
        return fact.text if fact else ""

    def set(self, raw: Any) -> None:
        """Take a typed or ready value; one that does not fit changes nothing but `error`."""
        try:
            value = answer.read(self.spec, raw)
        except FuseError as error:
            self._say(error=str(error))
            return
        had_error = bool(self.error)
        self._say(error="")
        if value == self._value and (self.given or value is not None or not self.spec.required):
            if had_error:
                self.changed.emit()
            return
        self._raw, self._value, self.given = answer.as_typed(self.spec, raw), value, True
        self._say(problem="")
        self.changed.emit()
        self.edited.emit()

    def load(self, plain: Any) -> None:
        """Take the data of the file; data that does not fit is kept, shown and explained."""
        if self.given and plain == self._raw:
            return
        self.given = True
        self._take(plain)

    def load_default(self) -> None:
        """Take the default; a question that has none asks for a value."""
        if not self.given and self._raw == self.spec.default and self._started:
            return
        self.given = False
        self._take(self.spec.default)

    def plain(self) -> Any:
        """Return the data for the file, written as it was typed."""
        return self._raw

    def forget_defaults(self) -> None:
        """Leave the value out of the file where it is the default."""
        if not self.spec.required and self._raw == self.spec.default:
            self.given = False

    def _take(self, raw: Any) -> None:
        self._raw = raw
        try:
            self._value, error = answer.read(self.spec, raw), ""
        except FuseError as failure:
            self._value, error = None, str(failure)
        self._say(error=error)
        self.changed.emit()

    def _keys_changed(self) -> None:
        self.changed.emit()
