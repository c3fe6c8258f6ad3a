"""What an augmentation does to a sample: exactly what training will see, and what is odd about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import Together
from fuse_engine.augment.guards import Caution, Damage, Moved, Watched, components_of, damages, idle, laterality
from fuse_engine.augment.guards.names import class_names
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.experiment import Experiment
from fuse_engine.service.augmentation.subject import Draw, Drawn, draw_for
from fuse_engine.service.opened import open_experiment
from fuse_engine.service.pictures import picture, picture_of
from fuse_engine.service.work import Work


class _MakesWay(Exception):
    """A person waits for something else."""


def augment(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draw: Draw,
) -> dict[str, Any] | None:
    """Return all images of a sample before and after augmentation, what was drawn, and what is odd about it.

    In the background it makes way for what a person waits for, and returns None.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    opened = open_experiment(experiment, folder)
    (drawn,) = draw_for(work, experiment, folder, id, [draw])

    def check() -> None:
        work.check()
        if work.background and work.hurried:
            raise _MakesWay

    try:
        return _augmented(opened, drawn, check)
    except _MakesWay:
        return None


def _augmented(experiment: Experiment, drawn: Drawn, check: Callable[[], None]) -> dict[str, Any]:
    subject, watched = drawn.subject, Watched(check=check)
    after = drawn.augmenter.apply(subject.leaves, drawn.applied, subject.known, watched)
    subject.done = (drawn.mark, after)
    damage = list(_damage(check, experiment, drawn, after))
    return {
        "before": {key: picture(image) for key, image in subject.images.items()},
        "after": {
            key: picture_of(after[key], subject.grid(key, after[key].shape[1:], after), image.label)
            for key, image in subject.images.items()
        },
        "applied": drawn.record,
        "times": watched.times,
        "damage": [asdict(item) for item in damage],
        "warnings": [
            item.to_json() for item in (*_cautions(experiment, drawn), *watched.cautions, *_hurt(damage))
        ],
    }


def _cautions(experiment: Experiment, drawn: Drawn) -> Iterator[Caution]:
    """Go over what is odd about the steps, whatever is drawn."""
    subject, steps = drawn.subject, drawn.augmenter.steps
    grids = {key: image.geometry for key, image in subject.images.items()}
    yield from laterality(steps, experiment, grids[subject.first])
    yield from idle(steps, grids, [key for key, image in subject.images.items() if image.label])
    for key, image in subject.images.items():
        if not image.label and image.array.min() == image.array.max():
            message = f"'{key}' has one value only, {float(image.array.min()):.4g}, before anything is done to it."
            yield Caution("", "constant", message)


def _hurt(damage: list[Damage]) -> Iterator[Caution]:
    for item in damage:
        if item.warn:
            name = f"'{item.name}'" if item.name else f"class {item.label}"
            yield Caution("", "damage", f"{item.key}, {name}: {item.warn}.")


def _damage(
    check: Callable[[], None], experiment: Experiment, drawn: Drawn, after: NestedDict
) -> Iterator[Damage]:
    """Go over the classes of the label maps that are moved."""
    for key, image in drawn.subject.images.items():
        if not image.label or key not in drawn.augmenter.keys:
            continue
        check()
        components, owners = components_of(image.array)
        marked = replace(drawn, subject=replace(drawn.subject, leaves=drawn.subject.leaves.copy()))
        marked.subject.leaves[key] = components
        render = marked.render()
        check()
        left, pulls = render.image(key), render.pulls(key)
        check()
        known = _moved_by_pulls_alone(marked, key, left)
        moved = Moved(key, image.array, after[key], left, owners, image.geometry, pulls, known)
        yield from damages(moved, class_names(experiment, key), check=check)


def _moved_by_pulls_alone(drawn: Drawn, key: str, moved: NDArray[Any]) -> bool:
    """Whether labels are the same without the steps that do not say how they move anything."""
    operations = drawn.augmenter.operations
    told = [item for item in drawn.applied if not isinstance(operations.get(item.step), Together)]
    return len(told) == len(drawn.applied) or np.array_equal(
        replace(drawn, applied=told).render().image(key), moved
    )
