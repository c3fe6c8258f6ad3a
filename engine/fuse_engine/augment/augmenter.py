"""Runs a list of augmentations over samples: draws, applies, records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import RECORD, Applied, Augmentation, Operation, Scene, Spatial, is_label
from fuse_engine.augment.chance import Chance, Extreme
from fuse_engine.augment.mixing import batch_steps, mixed
from fuse_engine.augment.points import moved_boxes, moved_points
from fuse_engine.augment.pull import Pull
from fuse_engine.augment.render import Known, Render, Step, Watch
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError, nearest
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key


class Augmenter:
    """Augments samples of arrays; chance depends on (seed, epoch, sample id, step) and nothing else."""

    def __init__(self, steps: Sequence[Augmentation], seed: int) -> None:
        """Take the augmentations in their order, and the experiment's seed.

        Raises:
            FuseError: when a step that mixes batches is not at the end.
        """
        self.steps, self.seed = tuple(steps), seed
        self.operations: dict[str, Operation] = {}
        """Every operation by its place, those within others too."""
        self.mixes = bool(list(batch_steps(self.steps)))
        """Whether the samples of a batch are mixed with each other."""
        for index, step in enumerate(self.steps):
            self._enter(str(index), step)

    def __call__(self, sample: NestedDict, epoch: int) -> NestedDict:
        """Return the sample as it is trained on in that epoch."""
        return self.apply(sample, self.draw(sample, epoch))

    def mix(self, samples: Sequence[Mapping[str, Any]], epoch: int) -> list[Mapping[str, Any]]:
        """Return the samples of a training batch, each augmented by itself before, as they are trained on.

        Raises:
            SampleError: naming the step, when samples cannot be mixed.
        """
        return mixed(self.steps, self.seed, samples, epoch) if self.mixes else list(samples)

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

    def apply(
        self,
        sample: NestedDict,
        applied: Iterable[Applied],
        known: Known | None = None,
        watch: Watch | None = None,
    ) -> NestedDict:
        """Return a new sample with drawn changes applied and recorded; `sample` stays as it is.

        `known` and `watch` are those of `Render`.

        Raises:
            SampleError: when the drawn changes are not those of these augmentations, or cannot be applied.
        """
        done = list(applied)
        result = sample.copy()
        try:
            images = self.render(sample, done, known, watch).images()
            moves, scene = self._carried(sample, done)
        except FuseError as error:
            raise _named(error, str(sample["data.id"])) from None
        for key, image in images.items():
            result[key] = image
            grid = geometry_key(key)
            if grid in sample:
                result[grid] = scene.grids[key]
        boxes = {key for operation in self.operations.values() for key in getattr(operation, "boxes", ())}
        for key, pull in moves.items():
            result[key] = (moved_boxes if key in boxes else moved_points)(np.asarray(sample[key]), pull)
        result[RECORD] = [item.to_json() for item in done]
        return result

    def render(
        self,
        sample: NestedDict,
        applied: Sequence[Applied],
        known: Known | None = None,
        watch: Watch | None = None,
    ) -> Render:
        """Return what computes the images of a sample, whole or in part, after drawn changes.

        Raises:
            SampleError: when the drawn changes are not those of these augmentations.
        """
        name = str(sample["data.id"])
        steps: list[Step] = [(self._operation(item, name), item) for item in applied if item.params is not None]
        images = {
            key: np.asarray(sample[key]) for key in _images(sample) if key in self.keys or _looked_at(steps, key)
        }
        return Render(images, steps, known, watch)

    def _carried(self, sample: NestedDict, applied: Sequence[Applied]) -> tuple[dict[str, Pull], Scene]:
        """Return how points and boxes move, by key, and what the sample is like after all steps."""
        moves: dict[str, Pull] = {}
        scene = _scene(sample)
        for item in applied:
            operation = self.operations.get(item.step)
            if operation is None or not operation.enabled:
                continue
            if isinstance(operation, Spatial):
                _check_carried(sample, operation, item.step)
            if item.params is None or item.channel is not None:
                continue
            if isinstance(operation, Spatial):
                for key in (*operation.points, *operation.boxes):
                    shape = moves[key].shape if key in moves else scene.grids[operation.keys[0]].shape
                    pull = operation.pull(item.params, shape)
                    moves[key] = pull.after(moves[key]) if key in moves else pull
            scene = operation.leave(scene, item.params)
        return moves, scene

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
    arrays = {key: value for key, value in sample.items() if isinstance(value, np.ndarray)}
    return [key for key, array in arrays.items() if array.ndim in (3, 4) and array.dtype.kind in "biuf"]


def _check_carried(sample: NestedDict, operation: Spatial, step: str) -> None:
    """Raise unless the points and boxes of an operation are there, with a number for each axis of its image."""
    where, name = f"augmentation.{step}.{operation.name()}", str(sample["data.id"])
    dims = np.ndim(sample[operation.keys[0]]) - 1
    for key, numbers in [(key, dims) for key in operation.points] + [(key, 2 * dims) for key in operation.boxes]:
        if key not in sample:
            raise SampleError(f"the sample lacks '{key}'", where=where, sample=name, nearest=nearest(key, sample))
        array = np.asarray(sample[key])
        if array.dtype.kind not in "iuf" or (array.size and array.shape[-1:] != (numbers,)):
            raise SampleError(
                f"'{key}' cannot move along", where=where, sample=name,
                expected=f"numbers of the shape (n, {numbers})", got=f"{array.dtype} of the shape {array.shape}",
            )  # fmt: skip


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
        return SampleError(str(error), where=where, sample=sample)
    return SampleError(
        *(replace(item, where=f"{where}.{item.where}".rstrip("."), sample=sample) for item in error.problems)
    )


def _named(error: FuseError, sample: str) -> SampleError:
    places = [item.where or "augmentation" for item in error.problems]
    named = zip(error.problems, places, strict=True)
    return SampleError(*(replace(item, where=where, sample=sample) for item, where in named))
