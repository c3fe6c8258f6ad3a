"""A form over the catalogue: groups of fields, slots that hold a component, lists of items; knows no toolkit.

Everything comes from `Entry` and `FieldSpec`, so a form opens without importing the component it describes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import Entry, FieldSpec
from fuse_engine.core.component import split_entry
from fuse_engine.core.errors import FuseError, nearest, short
from fuse_gui.models.distribution import DistributionField
from fuse_gui.models.field import Field, Holder, Item, Offers
from fuse_gui.models.field_list import FieldList

NONE = ""
"""What is chosen in a slot that is left empty."""


def item_of(spec: FieldSpec, offers: Offers) -> Item:
    """Return the part of a form that asks `spec`."""
    if spec.kind == "list":
        return FieldList(spec, offers, item_of)
    if spec.kind == "slot":
        return Slot(spec, offers)
    return DistributionField(spec, offers) if spec.kind == "distribution" else Field(spec, offers)


class Group(Item):
    """The fields of one component or section."""

    extras_changed = Signal()

    def __init__(self, entry: Entry, offers: Offers) -> None:
        """Start with every field at its default."""
        super().__init__(FieldSpec(name=entry.name, kind="slot", help=entry.sentence, entry=entry), offers)
        self.entry = entry
        self.items = {spec.name: item_of(spec, offers) for spec in entry.fields}
        self.extras: dict[str, Any] = {}
        """Arguments of the file that the component does not know; kept until a person drops them."""
        self._order: list[str] = []
        for item in self.items.values():
            item.edited.connect(self._item_edited)
            item.trouble_changed.connect(self._trouble_inside)

    def children(self) -> Sequence[tuple[str, Item]]:
        """Return the fields by name."""
        return tuple(self.items.items())

    def load(self, plain: Any) -> None:
        """Take a mapping; unknown names are kept and shown as an error."""
        self.given = True
        values = dict(plain) if isinstance(plain, Mapping) else {}
        for name, item in self.items.items():
            if name in values:
                item.load(values[name])
            else:
                item.load_default()
        self._order = list(values)
        self._set_extras({name: value for name, value in values.items() if name not in self.items})

    def load_default(self) -> None:
        """Take every field's default."""
        self.load({})
        self.given = False

    def plain(self) -> dict[str, Any]:
        """Return what was given, in the order of the file, then what was added."""
        found = {name: item.plain() for name, item in self.items.items() if item.given} | self.extras
        order = [name for name in self._order if name in found]
        return {name: found[name] for name in (*order, *(name for name in found if name not in order))}

    def forget_defaults(self) -> None:
        """Leave every field out of the file that equals its default."""
        for item in self.items.values():
            item.forget_defaults()

    def drop_label(self, name: str) -> str:
        """Return the words on the button that removes an unknown argument."""
        return f"Remove {name}: {short(self.extras[name], 40)}"

    def drop_extra(self, name: str) -> None:
        """Remove an argument that the component does not know."""
        if name in self.extras:
            self._set_extras({key: value for key, value in self.extras.items() if key != name})
            self.edited.emit()

    def _set_extras(self, extras: dict[str, Any]) -> None:
        changed, self.extras = extras != self.extras, extras
        self._say(error="; ".join(map(self._unknown, extras)))
        if changed:
            self.extras_changed.emit()

    def _unknown(self, name: str) -> str:
        return str(
            FuseError(f"{self.entry.name} has no field '{name}'; it is kept", nearest=nearest(name, self.items))
        )

    def _item_edited(self) -> None:
        self.edited.emit()


class Slot(Holder):
    """A place for one component of a kind, or for one optional group; what was typed for each choice is kept."""

    chosen_changed = Signal(str)

    def __init__(self, spec: FieldSpec, offers: Offers) -> None:
        """Start at the default, or at the first component that fits."""
        super().__init__(spec, offers)
        self.chosen = NONE
        self._groups: dict[str, Group] = {}
        self._short = False
        self.load_default()

    @property
    def options(self) -> tuple[str, ...]:
        """What can be chosen: components by name, `NONE` first where empty is an answer, an unknown name last."""
        known = tuple(self._entries()) if self.spec.entry else self.offers.choices(self.spec.slot, self.chosen)
        unknown = (self.chosen,) if self.chosen not in (NONE, *known) else ()
        empty = (NONE,) if self.spec.optional or self.chosen == NONE else ()
        return (*empty, *known, *unknown)

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to choose: one group that always stands there."""
        return self.spec.entry is not None and not self.spec.optional

    @property
    def form(self) -> Group | None:
        """The form of what is chosen; None for nothing and for a component that is not known."""
        return self._groups.get(self.chosen)

    @property
    def sentence(self) -> str:
        """What the chosen component is."""
        return self.form.entry.sentence if self.form else ""

    def choose(self, name: str) -> None:
        """Choose a component; choosing the chosen one does nothing, so that an echo cannot loop."""
        if name == self.chosen:
            return
        if name not in (NONE, *self._entries()):
            self._say(error=self._unknown(name))
            return
        self._short = False
        self._start(name)
        self._choose(name)
        self._say(error="" if name or self.spec.optional else f"a {self._noun} is needed", problem="")
        self._inside_edited()

    def children(self) -> Sequence[tuple[str, Item]]:
        """Return the form of what is chosen."""
        return ((self.chosen, self.form),) if self.form else ()

    def find(self, place: Sequence[str]) -> Item:
        """Return the item nearest to a place; the component's name may be left out of it."""
        if self.form is None or not place:
            return self
        found = self.form.find(place[1:] if place[0] == self.chosen else place)
        return self if found is self.form and not self.spec.entry else found

    def load(self, plain: Any) -> None:
        """Take `Name`, `{Name: {field: value}}`, the group's mapping, or None."""
        self._loaded(plain)
        if plain is None:
            self._choose(NONE)
            self._say(error="" if self.spec.optional else f"a {self._noun} is needed")
            return
        try:
            name, args = self._split(plain)
        except FuseError as error:
            self._choose(NONE)
            self._say(error=str(error))
            return
        self._short = isinstance(plain, str)
        group = self._group(name)
        if group is not None:
            group.load(args)
        self._choose(name)
        self._say(error="" if group else self._unknown(name))

    def load_default(self) -> None:
        """Take the default; a slot that must be filled and has none waits for a choice."""
        entry = self.spec.entry if self.fixed else None
        self.load({} if entry and self.spec.default is None else self.spec.default)
        self.given = False
        if self.form:
            self.form.forget_defaults()

    def _built(self) -> Any:
        if self.form is None:
            return None
        args = self.form.plain()
        if self.spec.entry:
            return args
        return self.chosen if self._short and not args else {self.chosen: args}

    def forget_defaults(self) -> None:
        """Leave the component out of the file where it is the default."""
        if self.form:
            self.form.forget_defaults()
        if not self.spec.required and self.plain() in (self.spec.default, None):
            self.given = False

    def refresh(self) -> None:
        """Look again at what is offered; what was unknown may be known now."""
        if self.form is None and not self._touched and self._raw is not None:
            given = self.given
            self.load(self._raw)
            self.given = given
        self.chosen_changed.emit(self.chosen)
        super().refresh()

    @property
    def _noun(self) -> str:
        return self.spec.slot or self.spec.name

    def _entries(self) -> Mapping[str, Entry]:
        if self.spec.entry:
            return {self.spec.entry.name: self.spec.entry}
        return self.offers.entries(self.spec.slot)

    def _split(self, plain: Any) -> tuple[str, dict[str, Any]]:
        if not self.spec.entry:
            return split_entry(plain)
        if not isinstance(plain, Mapping):
            raise FuseError("not a group of settings", expected="{field: value}", got=short(plain))
        return self.spec.entry.name, dict(plain)

    def _unknown(self, name: str) -> str:
        known = self._entries()
        return str(
            FuseError(
                f"unknown {self._noun} '{name}'", expected=f"one of {', '.join(known) or 'none'}",
                nearest=nearest(name, known),
            )
        )  # fmt: skip

    def _group(self, name: str) -> Group | None:
        entry = self._entries().get(name)
        if entry and name not in self._groups:
            group = self._groups[name] = Group(entry, self.offers)
            group.edited.connect(self._inside_edited)
            group.trouble_changed.connect(self._trouble_inside)
        return self._groups.get(name)

    def _start(self, name: str) -> None:
        """Give what is chosen for the first time what it starts with."""
        group = self._group(name) if name not in self._groups else None
        starts = self.offers.starts(group.entry) if group else {}
        if group and starts:
            group.load(dict(starts))

    def _choose(self, name: str) -> None:
        if name != NONE:
            self._group(name)
        if name != self.chosen:
            self.chosen = name
            self.chosen_changed.emit(name)
            self._trouble_inside()
