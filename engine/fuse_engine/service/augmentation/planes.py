"""Planes of augmented images: only what is seen is computed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.pull import Box, whole
from fuse_engine.core.errors import FuseError
from fuse_engine.service.augmentation.subject import Draw, Drawn, Subject, draw_for
from fuse_engine.service.work import Work

Planes = dict[str, NDArray[Any]]


def augment_plane(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draw: Draw,
    axis: int,
    place: int,
    keys: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a plane of every image of a sample, or of some, before and after augmentation.

    `axis` and `place` are those of the first input image as it is stored; planes are (channel, h, w). `exact` is
    false where the plane had to stand for the whole image, see `Render`.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    start = time.perf_counter()
    (drawn,) = draw_for(work, experiment, folder, id, [draw])
    cutter = Cutter(drawn.subject, axis, place, keys)
    planes, exact = cutter.after(drawn)
    return {
        "planes": planes, "before": cutter.before(), "labels": cutter.labels, "exact": exact,
        "applied": drawn.record, "ms": 1e3 * (time.perf_counter() - start),
    }  # fmt: skip


def augment_sheet(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draws: Sequence[Draw],
    axis: int,
    place: int,
    keys: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the same plane of a sample after each of some draws; see `augment_plane`.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    every = draw_for(work, experiment, folder, id, draws)
    tiles, labels = [], []
    for draw, drawn in zip(draws, every, strict=True):
        work.check()
        cutter = Cutter(drawn.subject, axis, place, keys)
        planes, exact = cutter.after(drawn)
        labels = cutter.labels
        tiles.append({"draw": dict(draw), "planes": planes, "applied": drawn.record, "exact": exact})
    return {"tiles": tiles, "labels": labels}


def augment_steps(
    work: Work,
    experiment: str,
    folder: str,
    id: str,  # noqa: A002 the protocol's name
    draw: Draw,
    axis: int,
    place: int,
    keys: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the same plane after each step, the first entry being the sample before; see `augment_plane`.

    `ms` is what the plane after so many steps takes: spatial steps that follow each other are one interpolation.

    Raises:
        SampleError: naming sample and step.
        ExperimentError: for an augmentation with wrong arguments.
    """
    (drawn,) = draw_for(work, experiment, folder, id, [draw])
    cutter = Cutter(drawn.subject, axis, place, keys)
    planes, exact = cutter.before(), True
    found: list[dict[str, Any]] = [
        {"step": "", "name": "", "params": None, "planes": planes, "ms": 0.0, "exact": exact}
    ]
    for count, item in enumerate(drawn.applied, 1):
        work.check()
        start = time.perf_counter()
        if item.params is not None:
            planes, exact = cutter.after(replace(drawn, applied=drawn.applied[:count]))
        spent = 1e3 * (time.perf_counter() - start)
        facts = {"step": item.step, "name": item.name, "params": item.params}
        found.append({**facts, "planes": planes, "ms": spent, "exact": exact})
    return {"steps": found, "labels": cutter.labels}


class Cutter:
    """Takes the same plane out of all images of a sample, whatever their resolution, before and after."""

    def __init__(self, subject: Subject, axis: int, place: int, keys: Sequence[str] = ()) -> None:
        """Take the plane of the first input image, and which images are wanted, all of them if none.

        Raises:
            FuseError: for an axis or a place that the image does not have.
        """
        self._subject, self._axis, self._place = subject, axis, place
        self._shape = subject.images[subject.first].geometry.shape
        self._keys = [key for key in subject.images if not keys or key in keys]
        if len(self._shape) == 3 and not (0 <= axis < 3 and 0 <= place < self._shape[axis]):
            size = f"axis 0 to 2, place 0 to {self._shape[axis] - 1 if 0 <= axis < 3 else 'its size less 1'}"
            raise FuseError("there is no such plane", expected=size, got=f"axis {axis}, place {place}")

    @property
    def labels(self) -> list[str]:
        """The keys of label maps."""
        return [key for key in self._keys if self._subject.images[key].label]

    def before(self) -> Planes:
        """Return the planes of the sample."""
        return {key: self._cut(key, self._subject.leaves[key]) for key in self._keys}

    def after(self, drawn: Drawn) -> tuple[Planes, bool]:
        """Return the planes after augmentation, and whether they are those of the whole result."""
        result = drawn.result
        if result is not None:
            return {key: self._cut(key, result[key]) for key in self._keys}, True
        render, found = drawn.render(), {}
        for key in self._keys:
            if key not in drawn.augmenter.keys:
                found[key] = self._cut(key, self._subject.leaves[key])
                continue
            box = self._box(key, render.shape(key))
            found[key] = self._flat(render.image(key, box))
        return found, render.exact

    def _cut(self, key: str, image: NDArray[Any]) -> NDArray[Any]:
        return self._flat(image[(slice(None), *self._box(key, image.shape[1:]))])

    def _flat(self, part: NDArray[Any]) -> NDArray[Any]:
        axis = self._axis if len(self._shape) == 3 else 0
        return np.ascontiguousarray(part if part.ndim == 3 else part.take(0, axis + 1))

    def _box(self, key: str, shape: tuple[int, ...]) -> Box:
        """Return the plane of an image of that shape: as far from its middle as in the sample."""
        box, own = whole(shape), self._subject.leaves[key].shape[1:]
        if len(shape) == 2:
            return box
        axis, size, of = (self._axis, own, self._shape) if len(self._shape) == 3 else (0, own, own)
        place = self._place if len(self._shape) == 3 else size[0] // 2
        stored = (place + 0.5) * size[axis] / of[axis]
        at = int(stored + (shape[axis] - size[axis]) / 2)
        at = min(max(at, 0), shape[axis] - 1)
        return (*box[:axis], slice(at, at + 1), *box[axis + 1 :])
