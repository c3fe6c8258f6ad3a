"""The experiment as the builder sees it: its questions, its keys and its axes, worked out once for each state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache

from fuse_engine.core.catalog import Catalog, FieldSpec, describe
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.key_facts import INPUTS, KeyFact, facts_of
from fuse_gui.models.project import Project
from fuse_gui.models.spots import Spot, spots
from fuse_gui.models.starts import Starts

PARTS = ("model", "losses", "metrics")
"""The fields of the experiment that are built."""


class Scene:
    """One state of the experiment, the catalogue and what is known of the keys."""

    def __init__(self, experiment: Experiment, catalog: Catalog, facts: Mapping[str, KeyFact]) -> None:
        """Take the state; nothing is worked out before it is asked for."""
        self.experiment, self.catalog, self._known = experiment, catalog, facts

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """Every question of model, losses and metrics."""
        data, fields = self.experiment.to_data(), experiment_fields()
        return tuple(spot for part in PARTS for spot in spots(self.catalog, fields[part], data.get(part), (part,)))

    @property
    def model_spots(self) -> Iterable[Spot]:
        """Every question of the model."""
        return (spot for spot in self.spots if spot.place[0] == "model")

    @cached_property
    def facts(self) -> dict[str, KeyFact]:
        """What is known of every key; those that only the experiment names are of unknown shape."""
        data = self.experiment.data
        named = [f"data.{side}.{name}" for side in ("input", "gt") for name in getattr(data, side)]
        for spot in self.model_spots:
            if spot.takes == "head" and isinstance(spot.value, Mapping) and spot.spec.kind == "list":
                named += [f"model.{what}.{name}" for what in ("logits", "output") for name in spot.value]
        return {**{key: KeyFact(key) for key in named}, **self._known}

    @cached_property
    def dims(self) -> int | None:
        """Number of axes of the model's images; None where it is not known."""
        images = [fact for fact in self.facts.values() if fact.fits("image") and fact.shape]
        read = {key for spot in self.model_spots if spot.role in INPUTS for key in spot.keys}
        first = next((fact for fact in images if fact.key in read), next(iter(images), None))
        return len(first.shape) - 1 if first and first.shape else None

    @cached_property
    def starts(self) -> Starts:
        """What parts start with."""
        return Starts(self.experiment, self.facts)


class SceneNow:
    """The scene of the open experiment."""

    def __init__(self, project: Project, keys: Callable[[], Mapping[str, KeyFact]]) -> None:
        """Take the project, and what tells the keys that the engine has found."""
        self._project, self._keys = project, keys
        self._of: tuple[object, ...] = ()
        self._scene: Scene | None = None

    @property
    def now(self) -> Scene | None:
        """The scene as things are now; None while no experiment is open."""
        project = self._project
        state = (project.experiment, project.catalog, self._keys(), project.flow)
        if len(self._of) != len(state) or any(a is not b for a, b in zip(self._of, state, strict=True)):
            facts = state[2] or facts_of(project.flow)
            self._of = state
            self._scene = Scene(project.experiment, project.catalog, facts) if project.experiment else None
        return self._scene


@lru_cache(maxsize=1)
def experiment_fields() -> dict[str, FieldSpec]:
    """Return the fields of an experiment by name."""
    return {spec.name: spec for spec in describe(Experiment).fields}
