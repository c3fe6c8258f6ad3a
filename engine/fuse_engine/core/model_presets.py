"""Ready models with losses and metrics, filled in with the inputs and truths of an experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import fuse_resources
from fuse_engine.core import document
from fuse_engine.core.errors import ExperimentError, FuseError, nearest

PARTS = ("model", "losses", "metrics")
"""The parts of an experiment that a preset replaces."""
NEEDS = {
    "images": "images among the inputs",
    "class truth": "a ground truth with classes",
    "label map": "a label map among the ground truths",
    "value truth": "a ground truth of one number",
}
"""What a preset can need, in words."""
WHERE = {
    "images": "images of one number of axes under `data.input`",
    "class truth": "steps that end in a class of each sample, e.g. Label, under `data.gt`",
    "label map": "steps that end in a label map, e.g. LoadSegmentation, under `data.gt`",
    "value truth": "steps that end in a number of each sample, e.g. Number, under `data.gt`",
}
"""Where an experiment has what a preset can need."""


@dataclass(frozen=True)
class ModelKeys:
    """What an experiment offers a model."""

    images: tuple[str, ...] = ()
    """Keys of images of one number of axes."""
    vectors: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    """Truths that are one class a sample, with how many classes there are."""
    maps: Mapping[str, int] = field(default_factory=dict)
    """Truths that are label maps, with how many classes there are."""
    values: tuple[str, ...] = ()
    """Truths that are one number a sample."""


@dataclass(frozen=True)
class ModelPreset:
    """A model with its losses and metrics; keys and counts are still names in `< >`."""

    name: str
    sentence: str
    needs: Mapping[str, int]
    """How many of each thing in `NEEDS` it takes."""
    parts: Mapping[str, Any]
    best: tuple[Mapping[str, Any], ...]
    """What the best epoch is chosen by."""

    @property
    def title(self) -> str:
        """The name as words."""
        return title(self.name)

    def fill(self, keys: ModelKeys) -> dict[str, Any]:
        """Return `model`, `losses`, `metrics` and `best` of an experiment with these keys.

        Raises:
            FuseError: naming what the experiment lacks.
        """
        meant = self._meant(keys)
        return {name: _filled(part, meant) for name, part in {**self.parts, "best": list(self.best)}.items()}

    def choices(self, keys: ModelKeys) -> str:
        """Return in one line what was chosen.

        Raises:
            FuseError: naming what the experiment lacks.
        """
        meant = self._meant(keys)
        named = [f"image {key}" for key in keys.images[: self.needs.get("images", 0)]]
        for what, count in (("class truth", "class count"), ("label map", "label count"), ("value truth", "")):
            if what in self.needs:
                named.append(f"{what} {meant[what]}" + (f" ({meant[count]} classes)" if count else ""))
        return f"{self.title}: {', '.join(named)}"

    def components(self) -> Iterator[str]:
        """Go over the names of the components that it uses."""
        yield from _components(self.parts)

    def _meant(self, keys: ModelKeys) -> dict[str, Any]:
        """Return what each name in `< >` stands for."""
        there = {
            "images": keys.images,
            "class truth": keys.classes,
            "label map": keys.maps,
            "value truth": keys.values,
        }
        for what, count in self.needs.items():
            if len(there[what]) < count:
                raise FuseError(
                    f"the template '{self.title}' needs {_counted(what, count)}",
                    expected=WHERE[what],
                    got=", ".join(there[what]) or "none",
                )
        wanted = self.needs.get("images", 0)
        meant: dict[str, Any] = {"images": list(keys.images[:wanted]), "vectors": list(keys.vectors)}
        meant.update({f"image {number}": key for number, key in enumerate(keys.images[:wanted], 1)})
        for what, how_many, found in (
            ("class truth", "class count", keys.classes),
            ("label map", "label count", keys.maps),
        ):
            if found:
                meant[what], meant[how_many] = next(iter(found.items()))
        if keys.values:
            meant["value truth"] = keys.values[0]
        return meant


def _counted(what: str, count: int) -> str:
    """Return what a preset needs with how many of it."""
    if what != "images":
        return NEEDS[what]
    return "an image among the inputs" if count == 1 else f"{count} {NEEDS[what]}"


def title(name: str) -> str:
    """Return the name of a preset as words."""
    return name.replace("_", " ").capitalize()


@lru_cache(maxsize=32)
def model_preset(name: str) -> ModelPreset:
    """Return one preset.

    Raises:
        FuseError: naming the presets there are.
    """
    known = fuse_resources.model_presets()
    if name not in known:
        raise FuseError(
            f"no template '{name}'", expected=f"one of {', '.join(known)}", nearest=nearest(name, known)
        )
    data = document.read(known[name]).data
    if not isinstance(data.get("model"), Mapping) or not isinstance(data.get("needs"), Mapping):
        raise ExperimentError(f"{known[name].name} holds no template", expected="'needs' and 'model'")
    needs = {str(what): int(count) for what, count in data["needs"].items()}
    parts = {part: data.get(part) or {} for part in PARTS}
    return ModelPreset(name, str(data["sentence"]), needs, parts, tuple(data.get("best") or ()))


def _filled(value: Any, meant: Mapping[str, Any]) -> Any:
    """Return plain data with what the names in `< >` stand for in their place."""
    if isinstance(value, list):
        return [_filled(item, meant) for item in value]
    if isinstance(value, Mapping):
        return {name: _filled(item, meant) for name, item in value.items()}
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        return meant[value[1:-1]]
    return value


def _components(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if document.is_entry(value):
            yield str(next(iter(value)))
        for item in value.values():
            yield from _components(item)
    elif isinstance(value, list):
        for item in value:
            yield from _components(item)
