"""Augmentations of a Musket or imgaug configuration as those of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fuse_engine.augment.imgaug_rules import FIRST, NAMES, REASONS, RULES, Call, Untranslated
from fuse_engine.core import document, registry
from fuse_engine.core.augmentation_presets import ImageKeys
from fuse_engine.core.component import split_entry
from fuse_engine.core.document import Document, Place
from fuse_engine.core.errors import ExperimentError, FuseError, Problem, nearest
from fuse_engine.core.explain import problems_of

_GROUPS = {"sequential": "Sequential", "oneof": "OneOf"}


@dataclass(frozen=True)
class Imported:
    """What was made of a configuration."""

    steps: list[dict[str, Any]]
    """The `augmentation` section of an experiment."""
    warnings: list[Problem]
    """What is read otherwise than imgaug does, what is only near, and what is left out, with file and line."""


def import_augmentation(path: Path, keys: ImageKeys, white: float = 1.0) -> Imported:
    """Return the steps of a Musket configuration's `augmentation`, or of a file with nothing but that section.

    Each list of two numbers becomes the range between them. imgaug's images go from 0 to 255; `white` is what 255
    becomes, so that 1 is right for images from 0 to 1.

    Raises:
        ExperimentError: for a file that is no YAML mapping, or uses tags, aliases or a key twice.
    """
    found = document.read(path)
    place: Place = ("augmentation",) if "augmentation" in found.data else ()
    section = found.data["augmentation"] if place else found.data
    reader = _Reader(found, keys, white)
    return Imported(reader.steps(section, place), reader.warnings)


@dataclass
class _Reader:
    """Goes through the section in the order of its keys."""

    file: Document
    keys: ImageKeys
    white: float
    warnings: list[Problem] = field(default_factory=list)

    def steps(self, section: Any, place: Place) -> list[dict[str, Any]]:
        """Return the steps of a mapping by augmenter, or of a list of such."""
        if isinstance(section, Mapping):
            pairs = [(str(name), value, (*place, str(name))) for name, value in section.items()]
        elif isinstance(section, list) and all(isinstance(item, Mapping) for item in section):
            pairs = [
                (str(name), value, (*place, index, str(name)))
                for index, item in enumerate(section)
                for name, value in item.items()
            ]
        elif section is None:
            return []
        else:
            raise ExperimentError(
                "no augmenters", ".".join(map(str, place)), self.file.source(place),
                expected="lines such as 'Fliplr: 0.5'", got=str(section)[:60],
            )  # fmt: skip
        return [step for name, value, where in pairs for step in self._one(name, value, where)]

    def _one(self, name: str, value: Any, place: Place) -> list[dict[str, Any]]:
        short = name.lower()
        if short in _GROUPS:
            return self._group(_GROUPS[short], value, place)
        if short in REASONS:
            self._say(f"'{name}' is not translated: {REASONS[short]}", place)
            return []
        if short not in RULES:
            near = nearest(short, RULES)
            self._say(f"'{name}' is not translated", place, nearest=NAMES.get(near, ""))
            return []
        arguments = value if isinstance(value, Mapping) else {FIRST[short]: value}
        call = Call(arguments, self.keys, self.white, lambda message: self._say(message, place))
        try:
            made = RULES[short](call)
            for entry in made:
                _check(entry)
        except FuseError as error:
            self._say(f"'{name}' is not translated: {error}", place)
            return []
        call.rest(name)
        return made

    def _group(self, name: str, value: Any, place: Place) -> list[dict[str, Any]]:
        value = dict(value) if isinstance(value, Mapping) else value
        mixed = isinstance(value, dict) and str(value.pop("random_order", "")).lower() == "true"
        inner = self.steps(value, place)
        if not inner:
            return []
        if name == "Sequential" and mixed:
            return [{"SomeOf": {"steps": inner, "count": len(inner), "shuffle": True}}]
        return [{name: {"steps": inner}}]

    def _say(self, message: str, place: Place, **more: str) -> None:
        self.warnings.append(Problem(message, ".".join(map(str, place)), self.file.source(place), **more))


def _check(entry: Mapping[str, Any]) -> None:
    """Refuse a step that could not be used.

    Raises:
        Untranslated: naming the fields that do not fit.
    """
    name, arguments = split_entry(entry)
    cls = registry.get("augmentation", name)
    try:
        cls.model_validate(arguments)
    except ValidationError as error:
        raise Untranslated(*problems_of(error, cls, lambda place: "", (name,))) from None
