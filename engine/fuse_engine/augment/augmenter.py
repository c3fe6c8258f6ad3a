"""Runs a list of augmentations over samples: draws, applies, records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import RECORD, Applied, Augmentation, Operation, Scene, Spatial, is_label
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.points import moved_boxes, moved_points
from fuse_engine.augment.pull import Pull
from fuse_engine.augment.render import Known, Render, Step
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key


class Augmenter:
    """Augments samples of arrays; chance depends on (seed, epoch, sample id, step) and nothing else."""

    def __init__(self, steps: Sequence[Augmentation], seed: int) -> None:
        """Take the augmentations in their order, and the experiment's seed."""
        self.steps, self.seed = tuple(steps), seed
        self.operations: dict[str, Operation] = {}
        """Every operation by its place, those within others too."""
        for index, step in enumerate(self.steps):
            self._enter(str(index), step)

    def __call__(self, sample: NestedDict, epoch: int) -> NestedDict:
        """Return the sample as it is trained on in that epoch."""
        return self.apply(sample, self.draw(sample, epoch))

    @property
    def keys(self) -> set[str]:
        """What is changed of a sample."""
        found = {key for operation in self.operations.values() for key in operation.keys}
        for operation in self.operations.values():
            if isinstance(operation, Spatial):
                found |= {*operation.points, *operation.boxes}
        return found

    def draw(self, sample: NestedDict, epoch: int) -> list[Applied]:
        """Decide what is done to a sample in an epoch.

        Raises:
            SampleError: naming sample and step, when a key is no image or a step's images do not fit together.
        """
        return self._decide(sample, Chance("augmentation", self.seed, epoch, str(sample["data.id"])))

    def extreme(self, sample: NestedDict, high: bool) -> list[Applied]:
        """Return what is done where every number is the smallest that can be drawn, or the largest.

        Raises:
            SampleError: see `draw`.
        """
        return self._decide(sample, Extreme(high, self.seed))

    def _decide(self, sample: NestedDict, chance: Chance) -> list[Applied]:
        name, scene = str(sample["data.id"]), _scene(sample)
        drawn: list[Applied] = []
        for index, step in enumerate(self.steps):
            try:
                done, scene = step.draw(str(index), chance.inner(index), scene)
            except (FuseError, ValueError) as error:
                raise _located(error, name, index, step) from None
            drawn += done
        return drawn

    def apply(self, sample: NestedDict, applied: Iterable[Applied]) -> NestedDict:
        """Return a new sample with drawn changes applied and recorded; `sample` stays as it is.

        Raises:
            SampleError: when the drawn changes are not those of these augmentations, or cannot be applied.
        """
        done = list(applied)
        render, result = self.render(sample, done), sample.copy()
        for key, image in render.images().items():
            result[key] = image
            known = geometry_key(key)
            if known in sample and sample[known].shape != image.shape[1:]:
                result[known] = Scene({key: sample[known]}, {}).resized({key: image.shape[1:]}).grids[key]
        for key, pull in self._carried(sample, done).items():
            move = moved_boxes if any(key in operation.boxes for operation in self._spatial()) else moved_points
            result[key] = move(np.asarray(sample[key]), pull)
        result[RECORD] = [item.to_json() for item in done]
        return result

    def render(self, sample: NestedDict, applied: Sequence[Applied], known: Known | None = None) -> Render:
        """Return what computes the images of a sample, whole or in part, after drawn changes.

        Raises:
            SampleError: when the drawn changes are not those of these augmentations.
        """
        name = str(sample["data.id"])
        steps: list[Step] = [(self._operation(item, name), item) for item in applied if item.params is not None]
        images = {
            key: np.asarray(sample[key]) for key in _images(sample) if key in self.keys or _looked_at(steps, key)
        }
        return Render(images, steps, known)

    def _carried(self, sample: NestedDict, applied: Sequence[Applied]) -> dict[str, Pull]:
        """Return how points and boxes move, by key."""
        moves: dict[str, Pull] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for item in applied:
            operation = self.operations.get(item.step)
            if item.params is None or not isinstance(operation, Spatial) or item.channel is not None:
                continue
            for key in (*operation.points, *operation.boxes):
                if key not in sample:
                    raise SampleError(
                        f"the sample lacks '{key}'", f"augmentation.{item.step}", sample=str(sample["data.id"])
                    )
                shape = shapes.get(key, np.shape(sample[operation.keys[0]])[1:])
                pull = operation.pull(item.params, shape)
                moves[key] = pull.after(moves[key]) if key in moves else pull
                shapes[key] = pull.shape
        return moves

    def _spatial(self) -> list[Spatial]:
        return [operation for operation in self.operations.values() if isinstance(operation, Spatial)]

    def _enter(self, place: str, step: Augmentation) -> None:
        if isinstance(step, Operation):
            self.operations[place] = step
        for index, inner in enumerate(step.within()):
            self._enter(f"{place}.{index}", inner)

    def _operation(self, item: Applied, sample: str) -> Operation:
        found = self.operations.get(item.step)
        if found is None or found.name() != item.name:
            names = ", ".join(f"{place} {step.name()}" for place, step in self.operations.items())
            raise SampleError(
                f"step {item.step} of the record is {item.name}", sample=sample, expected=names or "none"
            )
        return found


def _images(sample: Mapping[str, Any]) -> list[str]:
    return [key for key, value in sample.items() if isinstance(value, np.ndarray) and value.ndim in (3, 4)]


def _looked_at(steps: Sequence[Step], key: str) -> bool:
    return any(
        key == getattr(operation, name) for operation, _ in steps for name in getattr(operation, "needs", ())
    )


def _scene(sample: NestedDict) -> Scene:
    grids: dict[str, Geometry] = {}
    channels: dict[str, int] = {}
    for key in _images(sample):
        image: NDArray[Any] = sample[key]
        known = geometry_key(key)
        grids[key] = sample[known] if known in sample else Geometry.plain(image.shape[1:])
        channels[key] = len(image)
    return Scene(grids, channels, frozenset(key for key in grids if is_label(sample[key])))


def _located(error: FuseError | ValueError, sample: str, index: int, step: Augmentation) -> SampleError:
    where = f"augmentation.{index}.{step.name()}"
    if not isinstance(error, FuseError):
        return SampleError(str(error), where, sample=sample)
    return SampleError(
        *(replace(item, where=f"{where}.{item.where}".rstrip("."), sample=sample) for item in error.problems)
    )
