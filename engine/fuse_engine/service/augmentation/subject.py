"""What the worker keeps of a sample and its augmentation, so that a preview computes only what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fuse_engine.augment import Applied, Augmentation, Augmenter
from fuse_engine.augment.render import Known, Render
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.component import Component
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key
from fuse_engine.core.resolve import component
from fuse_engine.data.collate import to_leaves
from fuse_engine.data.image import Image
from fuse_engine.service.opened import Recent, open_browsed, open_experiment, read_sample
from fuse_engine.service.work import Work

Draw = Mapping[str, Any]
"""`{"seed", "epoch"}`, or `{"extreme": "low" | "high"}` with or without `"only"`, the place of a step."""


@dataclass
class Subject:
    """A sample as it was read, and what was found out about it when it was augmented."""

    leaves: NestedDict
    images: dict[str, Image]
    known: Known = field(default_factory=dict)
    """What was measured on whole images, see `Render`."""
    done: tuple[str, NestedDict] | None = None
    """The last exact result, and what was done."""

    @property
    def first(self) -> str:
        """The image whose axes and places planes are asked for.

        Raises:
            FuseError: for a sample without images.
        """
        inputs = [key for key in self.images if key.startswith("data.input.")]
        found = next(iter(inputs or self.images), None)
        if found is None:
            raise FuseError("this sample has no image", expected="an image under data.input")
        return found

    def grid(self, key: str, shape: tuple[int, ...], after: NestedDict) -> Geometry:
        """Return the grid of an augmented image."""
        known = geometry_key(key)
        found: Geometry = after[known] if known in after else self.images[key].geometry
        return found if found.shape == shape else Geometry.plain(shape)


@dataclass(frozen=True)
class Drawn:
    """A sample with what is done to it."""

    subject: Subject
    augmenter: Augmenter
    applied: list[Applied]

    @property
    def record(self) -> list[dict[str, Any]]:
        """What is done, as plain data."""
        return [item.to_json() for item in self.applied]

    @property
    def mark(self) -> str:
        """A text that changes with what is done."""
        steps = [step.to_entry() for step in self.augmenter.steps]
        return json.dumps([steps, self.record], sort_keys=True)

    def render(self) -> Render:
        """Return what computes the augmented images."""
        return self.augmenter.render(self.subject.leaves, self.applied, self.subject.known)

    @property
    def result(self) -> NestedDict | None:
        """The exact result, where it was computed last."""
        done = self.subject.done
        return done[1] if done is not None and done[0] == self.mark else None


_subjects: Recent[Subject] = Recent(2)
_steps: Recent[list[Augmentation]] = Recent(64)


def augmentations(experiment: Experiment) -> list[Augmentation]:
    """Return the typed augmentations of an experiment in order; nothing else of it need be right.

    Raises:
        ExperimentError: for an augmentation with wrong arguments.
    """

    def make() -> list[Augmentation]:
        steps = [
            cast(Augmentation, component("augmentation", spec, ("augmentation", index), experiment))
            for index, spec in enumerate(experiment.augmentation)
        ]
        return [step.located(experiment.folder) for step in steps]

    specs = [spec.model_dump(mode="json") for spec in experiment.augmentation]
    return _steps.get(json.dumps([str(experiment.folder), specs], sort_keys=True), make)


def open_subject(work: Work, experiment: Experiment, id: str) -> Subject:  # noqa: A002 the protocol's name
    """Return a sample, read again only where it changed.

    Raises:
        SampleError: naming sample and step.
    """
    dataset = open_browsed(experiment)
    row = dataset.cohort.row(id)
    marks = [(key, pipeline.fingerprint(row)) for key, pipeline in dataset.pipelines.items()]
    key = (id, hashlib.sha256(json.dumps(marks).encode()).hexdigest())

    def make() -> Subject:
        sample = read_sample(work, dataset, id)
        images = {key: value for key, value in sample.items() if isinstance(value, Image)}
        return Subject(NestedDict(to_leaves(sample)), images)

    return _subjects.get(key, make)


def draw_for(
    work: Work, experiment: str, folder: str, id: str, draws: Sequence[Draw]  # noqa: A002
) -> list[Drawn]:  # fmt: skip
    """Return a sample with what is done to it in each of some draws.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
        FuseError: for a draw that is none.
    """
    opened = open_experiment(experiment, folder)
    subject, steps = open_subject(work, opened, id), augmentations(opened)
    work.check()
    return [Drawn(subject, *drawn(steps, subject.leaves, draw)) for draw in draws]


def drawn(steps: Sequence[Augmentation], sample: NestedDict, draw: Draw) -> tuple[Augmenter, list[Applied]]:
    """Return what augments a sample in a draw, and what it does to it.

    Raises:
        SampleError: naming sample and step.
        FuseError: for a draw that is none.
    """
    if "extreme" not in draw:
        seed, epoch = draw.get("seed"), draw.get("epoch")
        if not (isinstance(seed, int) and isinstance(epoch, int)):
            raise FuseError(
                "no such draw", expected="whole numbers seed and epoch, or extreme", got=str(dict(draw))
            )
        augmenter = Augmenter(steps, seed)
        return augmenter, augmenter.draw(sample, epoch)
    if draw["extreme"] not in ("low", "high"):
        raise FuseError("no such extreme", expected="low or high", got=str(draw["extreme"]))
    only = str(draw.get("only") or "")
    chosen = [step if not only or place == only.split(".")[0] else _off(step) for place, step in _placed(steps)]
    applied = Augmenter(chosen, 0).extreme(sample, draw["extreme"] == "high")
    alone = [item for item in applied if not only or _belongs(item.step, only)]
    return Augmenter(steps, 0), alone


def _placed(steps: Sequence[Augmentation]) -> list[tuple[str, Augmentation]]:
    return [(str(index), step) for index, step in enumerate(steps)]


def _off(step: Augmentation) -> Augmentation:
    found: Component = step.model_copy(update={"enabled": False})
    return cast(Augmentation, found)


def _belongs(step: str, only: str) -> bool:
    return step == only or step.startswith(f"{only}.") or only.startswith(f"{step}.")
