"""From an experiment as written to its components, every one typed; imports them, so it needs the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from fuse_engine.core import registry
from fuse_engine.core.component import Component
from fuse_engine.core.document import Place
from fuse_engine.core.errors import ExperimentError, FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.explain import problems_of
from fuse_engine.core.sections import Spec

T = TypeVar("T", bound=Component)


def component(kind: str, spec: Spec, where: Place, experiment: Experiment) -> Component:
    """Return the component that `spec` describes; `where` is its place in the experiment.

    Raises:
        ExperimentError: one problem for each argument that does not fit.
    """
    try:
        cls = registry.get(kind, spec.name)
    except FuseError as error:
        problem = error.problems[0]
        raise ExperimentError(
            Problem(
                problem.message, ".".join(map(str, where)), experiment.source((*where, spec.name)),
                expected=problem.expected, nearest=problem.nearest,
            )
        ) from None  # fmt: skip
    try:
        return cls.model_validate(spec.args)
    except ValidationError as error:
        raise ExperimentError(*problems_of(error, cls, experiment.source, (*where, spec.name))) from None


@dataclass(frozen=True)
class Placed:
    """A component and its place in the experiment."""

    place: Place
    kind: str
    spec: Spec


def every_spec(experiment: Experiment) -> list[Placed]:
    """Return all components of an experiment as written, each with its place."""
    data, training = experiment.data, experiment.training
    found = [Placed(("data", "source"), "source", data.source)]
    for side, group in (("input", data.input), ("gt", data.gt)):
        for name, steps in group.items():
            found += _many(("data", side, name), "processor", steps)
    if data.patches:
        found.append(Placed(("data", "patches"), "patches", data.patches))
    found.append(Placed(("data", "cache"), "cache", data.cache))
    found += _many(("augmentation",), "augmentation", experiment.augmentation)
    found.append(Placed(("model",), "model", experiment.model))
    found += [Placed(("losses", name), "loss", spec) for name, spec in experiment.losses.items()]
    found += [Placed(("metrics", name), "metric", spec) for name, spec in experiment.metrics.items()]
    found.append(Placed(("training", "optimizer"), "optimizer", training.optimizer))
    if training.schedule:
        found.append(Placed(("training", "schedule"), "schedule", training.schedule))
    found += _many(("training", "callbacks"), "callback", training.callbacks)
    found.append(Placed(("run", "executor"), "executor", experiment.run.executor))
    return found


def _many(where: Place, kind: str, specs: Sequence[Spec]) -> list[Placed]:
    return [Placed((*where, index), kind, spec) for index, spec in enumerate(specs)]


class Parts:
    """The typed components of an experiment, by place."""

    def __init__(self, experiment: Experiment, found: dict[Place, Component]) -> None:
        """Take the components; `resolve` makes them."""
        self.experiment, self._found = experiment, found

    def has(self, *place: str | int) -> bool:
        """Say whether there is a component at `place`."""
        return place in self._found

    def at(self, base: Callable[..., T], *place: str | int) -> T:
        """Return the one component at `place`, e.g. `parts.at(Model, "model")`."""
        return cast(T, self._found[place])

    def below(self, base: Callable[..., T], *place: str | int) -> dict[str, T]:
        """Return the components directly below `place`, by name or position."""
        depth = len(place)
        return {
            str(key[-1]): cast(T, item)
            for key, item in self._found.items()
            if len(key) == depth + 1 and key[:depth] == place
        }

    def resolved(self) -> Experiment:
        """Return the experiment with every argument of every component written out."""
        data: dict[str, Any] = self.experiment.to_data()
        for place, item in self._found.items():
            node: Any = data
            for part in place[:-1]:
                node = node[part]
            node[place[-1]] = item.to_entry()
        return self.experiment.with_data(data)


def resolve(experiment: Experiment) -> Parts:
    """Type every component of an experiment.

    Raises:
        ExperimentError: with the problems of all of them.
    """
    parts, problems = resolve_what_fits(experiment)
    if problems:
        raise ExperimentError(*problems)
    return parts


def resolve_what_fits(experiment: Experiment) -> tuple[Parts, list[Problem]]:
    """Type the components of an experiment that can be, and return what is wrong with the others."""
    found: dict[Place, Component] = {}
    problems: list[Problem] = []
    for placed in every_spec(experiment):
        try:
            found[placed.place] = component(placed.kind, placed.spec, placed.place, experiment)
        except ExperimentError as error:
            problems += error.problems
    return Parts(experiment, found), problems
