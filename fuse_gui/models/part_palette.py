"""The palette: inputs, components and the user's own presets that can be added to the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from psygnal import Signal

from fuse_engine.core.catalog import Entry, FieldSpec
from fuse_engine.core.component_presets import ComponentPreset, component_presets, save_component_preset
from fuse_engine.core.document import Place
from fuse_engine.core.errors import FuseError
from fuse_gui.models.graph import WORDS
from fuse_gui.models.key_facts import INPUTS, KeyFact
from fuse_gui.models.names import free, snake
from fuse_gui.models.project import Project
from fuse_gui.models.scene import Scene, SceneNow
from fuse_gui.models.spots import Spot

KINDS = ("input", "model", "backbone", "network", "head", "loss", "metric")
ONE = ("model", "backbone", "network")
"""Kinds of which a place holds one: another takes its place."""
LISTED = ("head", "loss", "metric")
"""Kinds of which there can be many, each with a name."""


@dataclass(frozen=True)
class Part:
    """Something that can be added."""

    kind: str
    name: str
    sentence: str
    component: str = ""
    """The component; empty for an input."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """What a preset sets."""
    place: Place = ()
    """Where an input goes."""
    key: str = ""

    @property
    def label(self) -> str:
        """Kind and name."""
        return f"{WORDS[self.kind]}: {self.name}"

    def matches(self, words: str) -> bool:
        """Say whether every word is part of the name, the kind or the sentence."""
        text = f"{self.label} {self.component} {self.sentence}".casefold()
        return all(word in text for word in words.casefold().split())


class PartPalette:
    """What can be added, narrowed by kind and words; adding is one step that can be undone."""

    title, add_label, hint = "Add a part", "Add", "Search names and sentences"
    kind_labels = {"": "Everything", **{kind: WORDS[kind].capitalize() for kind in KINDS}}  # noqa: RUF012
    nothing = "Nothing fits these words."
    elsewhere = "for another place choose it in the drawing"
    name_hint = "Name of the preset"
    save_label, save_help = (
        "Save as preset",
        "Keep the chosen part with its settings under this name, for any project",
    )

    added = Signal(str)
    """Dotted place of what was added."""
    changed = Signal()
    """Other parts are offered, or another is chosen."""

    def __init__(self, project: Project, scene: SceneNow, near: Callable[[], str] = str) -> None:
        """Follow the open project; `near` tells the dotted place of the chosen part."""
        self.project, self._scene, self._near = project, scene, near
        self.words = self.kind = ""
        self._presets: list[ComponentPreset] = []
        self._read = False
        project.catalog_changed.connect(self.tell)
        project.experiment_changed.connect(self.tell)

    @property
    def parts(self) -> list[Part]:
        """What can be added and fits kind and words."""
        scene = self._scene.now
        if scene is None:
            return []
        every = (*_inputs(scene), *self._own(scene), *_components(scene))
        return [part for part in every if self.kind in ("", part.kind) and part.matches(self.words)]

    @property
    def note(self) -> str:
        """What is not listed, and why."""
        scene = self._scene.now
        hidden = sum(not works(scene, entry) for entry in _entries(scene)) if scene else 0
        dims = scene.dims if scene else 0
        said = "component that does" if hidden == 1 else "components that do"
        rest = f"not work for images of {dims} axes {'is' if hidden == 1 else 'are'} not listed."
        return f"{hidden} {said} {rest}" if hidden else ""

    def told(self, part: Part) -> str:
        """Return the sentence of a part, and where it would go while there are several places for it."""
        scene = self._scene.now
        places = _places(scene, part.kind) if scene and part.kind in ONE else []
        if len(places) < 2:
            return part.sentence
        return f"{part.sentence} Goes to {_reader(nearest_to(places, self._near()))}; {self.elsewhere}."

    def usable(self, entry: Entry) -> bool:
        """Say whether a component works for the number of axes of the images."""
        scene = self._scene.now
        return scene is None or works(scene, entry)

    def tell(self) -> None:
        """Say that other parts may be offered."""
        self.changed.emit()

    def search(self, words: str) -> None:
        """Narrow to what holds all these words."""
        self.words = words
        self.changed.emit()

    def choose_kind(self, kind: str) -> None:
        """Narrow to a kind; all where empty."""
        self.kind = kind
        self.changed.emit()

    def add(self, part: Part) -> None:
        """Add a part, or put it in the place of the one there is."""
        with self.project.reporting("palette"):
            scene = self._scene.now
            if scene is None:
                raise FuseError("no experiment is open")
            if part.kind in ONE:
                place, value, told = _put(scene, part, self._near())
            else:
                place, value, told = (_add_input if part.kind == "input" else _append)(scene, part)
            if scene.experiment.changed(place, value) != scene.experiment and self.project.edit(place, value):
                self.project.say(told)
                new = list(value)[-1:] if part.kind in LISTED else []
                self.added.emit(".".join(map(str, [*place, *new])))

    def save(self, kind: str, name: str, entry: Any) -> None:
        """Keep a component with its settings as a preset of the user's own."""
        with self.project.reporting("palette"):
            saved = save_component_preset(kind, name, entry)
            self._read = False
            self.project.say(f"kept the {saved.kind} {saved.component} as '{saved.name}'")
            self.changed.emit()

    def _own(self, scene: Scene) -> Iterator[Part]:
        if not self._read:
            self._presets, problems = component_presets()
            self._read = True
            if problems:
                self.project.fail(FuseError(*problems), topic="component presets")
        for preset in self._presets:
            entry = scene.catalog.of(preset.kind).get(preset.component)
            if preset.kind in KINDS and entry is not None and works(scene, entry):
                told = f"Your preset of {preset.component}. {entry.sentence}"
                yield Part(preset.kind, preset.name, told, preset.component, preset.args)


Change = tuple[Place, Any, str]
"""Where something is added, what stands there then, and what is said about it."""


def works(scene: Scene, entry: Entry) -> bool:
    """Say whether a component works for the number of axes of the images."""
    return not entry.dims or scene.dims is None or scene.dims in entry.dims


def _entries(scene: Scene) -> Iterable[Entry]:
    return (entry for kind in KINDS for entry in scene.catalog.of(kind).values())


def _components(scene: Scene) -> Iterator[Part]:
    for entry in _entries(scene):
        if works(scene, entry):
            yield Part(entry.kind, entry.name, entry.sentence, entry.name)


def _inputs(scene: Scene) -> Iterator[Part]:
    for spot in scene.model_spots:
        if spot.role not in INPUTS or not (spot.holds_keys or spot.spec.kind == "key"):
            continue
        there = [scene.facts[key] for key in spot.keys if key in scene.facts] if spot.role != "vector" else []
        for fact in scene.facts.values():
            if fact.fits(spot.role) and fact.key not in spot.keys and fact.goes_with(there):
                told = f"Shape {fact.text or 'unknown'}. {spot.spec.help}"
                yield Part("input", f"{fact.name} → {_reader(spot)}", told, place=spot.place, key=fact.key)


def _reader(spot: Spot) -> str:
    """Return the place of a field without the components on the way: `heads classifier tabular`."""
    return " ".join(str(part) for part in spot.place[1:] if not str(part)[:1].isupper())


def _add_input(scene: Scene, part: Part) -> Change:
    spot = next((spot for spot in scene.spots if spot.place == part.place), None)
    if spot is None:
        raise FuseError("there is no such place any more", got=".".join(map(str, part.place)))
    value = [*spot.keys, part.key] if spot.holds_keys else part.key
    return part.place, value, f"{_reader(spot)} reads {part.key}"


def _places(scene: Scene, kind: str) -> list[Spot]:
    """Return the places of the model that hold one component of a kind."""
    return [spot for spot in scene.model_spots if spot.takes == kind and spot.spec.kind == "slot"]


def nearest_to(spots: Sequence[Spot], near: str) -> Spot:
    """Return the spot that has most of its place in common with a dotted one, the first of several."""
    return max(spots, key=lambda spot: _shared(spot.place, near.split(".")))


def _shared(place: Place, other: Sequence[str]) -> int:
    """Return how many parts two places have in common at their start."""
    pairs = zip(map(str, place), other, strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _put(scene: Scene, part: Part, near: str) -> Change:
    """Put a component into the place for its kind that is nearest to `near`, else into a model that has one."""
    if part.kind == "model":
        return ("model",), _switched(scene, part), f"the model is a {part.component}"
    filled = {part.component: _args(scene, part)}
    places = _places(scene, part.kind)
    if places:
        spot = nearest_to(places, near)
        return spot.place, filled, f"the {_reader(spot)} is {part.name}"
    holder = next(
        (e for e in scene.catalog.of("model").values() if any(field.slot == part.kind for field in e.fields)), None
    )
    if holder is None:
        raise FuseError(f"no model takes a {part.kind}")
    slot = next(field.name for field in holder.fields if field.slot == part.kind)
    model = Part("model", holder.name, "", holder.name, {slot: filled})
    told = f"the model is a {holder.name} now, which takes a {part.kind}; Undo brings the former back"
    return ("model",), _switched(scene, model), told


def _switched(scene: Scene, part: Part) -> dict[str, Any]:
    """Return another model that keeps what it has in common with the one there is."""
    entry = scene.catalog.of("model").get(part.component)
    given = scene.experiment.model.args
    kept = {field.name: given[field.name] for field in (entry.fields if entry else ()) if field.name in given}
    return {part.component: {**_args(scene, part), **kept, **part.args}}


def _append(scene: Scene, part: Part) -> Change:
    spots = (s for s in scene.spots if s.spec.kind == "list" and s.takes == part.kind and s.spec.named)
    spot = next(spots, None)
    if spot is None:
        raise FuseError(
            f"the model {scene.experiment.model.name} takes no {part.kind}",
            expected=f"a model with a list of {part.kind}s",
        )
    there = spot.value if isinstance(spot.value, Mapping) else {}
    name = free(_called(scene, part), there)
    value = {**there, name: {part.component: _args(scene, part)}}
    return spot.place, value, f"added the {part.kind} {name}"


def _called(scene: Scene, part: Part) -> str:
    """Return what a part is called: a head as its truth, anything else as its component or preset."""
    entry = scene.catalog.of(part.kind).get(part.component)
    truth = scene.starts.truth_for(entry) if entry is not None and part.kind == "head" else None
    return truth.name if truth else snake(part.name) or part.kind


def _args(scene: Scene, part: Part) -> dict[str, Any]:
    """Return the arguments of a part: what a preset sets, and keys of this project."""
    entry = scene.catalog.of(part.kind).get(part.component)
    if entry is None:
        return dict(part.args)
    fields = {field.name: field for field in entry.fields}
    kept = {name: value for name, value in part.args.items() if not _strange(fields.get(name), value, scene.facts)}
    return {**scene.starts.of(entry), **kept}


def _strange(spec: FieldSpec | None, value: Any, known: Mapping[str, KeyFact]) -> bool:
    """Whether an argument of a preset is a key that this project has not."""
    item = spec.item if spec is not None and spec.kind == "list" and spec.item else spec
    if item is None or item.kind != "key":
        return False
    return any(key not in known for key in (value if isinstance(value, list) else [value]))
