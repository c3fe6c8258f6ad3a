"""Does what was drawn to a sample: the whole of it for training, or one plane of it for a quick look."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import Applied, Intensity, Operation, Part, Spatial, Together, is_label
from fuse_engine.augment.pull import Border, Box, Matrix, Pull, pulled, sideways, whole
from fuse_engine.core.distribution import Plain

Step = tuple[Operation, Applied]
Known = dict[str, Mapping[str, Any]]
"""What was measured on whole images, by what had been done to them."""

_THIN_ROWS, _MANY_ROWS = 12, 4096
"""How many times longer than its rows, and how many rows, a box is that is read along its longest axis."""
_THIN = 1 << 15
"""Pixels of the thinned image that a whole one is judged by."""


@dataclass(frozen=True)
class Move:
    """Spatial steps that follow each other, as one interpolation."""

    pull: Pull
    border: Border
    steps: tuple[Applied, ...]
    channel: int | None = None


@dataclass(frozen=True)
class Change:
    """An intensity step."""

    operation: Intensity
    applied: Applied

    @property
    def channel(self) -> int | None:
        """The one channel that is changed, all of them if None."""
        return self.applied.channel


@dataclass(frozen=True)
class Joint:
    """A step that changes all images at once."""

    operation: Together
    applied: Applied
    channel: None = None


Link = Move | Change | Joint


class Watch:
    """Is told of what is done to images, while it is done."""

    def moved(self, key: str, steps: Sequence[Applied], seconds: float) -> None:
        """Take note of one interpolation."""

    def changed(
        self, key: str, applied: Applied, before: NDArray[Any], after: NDArray[Any], seconds: float
    ) -> None:  # fmt: skip
        """Take note of an intensity step and what it was given; neither array may be changed or kept."""


class Render:
    """The images of one sample after drawn steps, whole or in part; computed when asked for."""

    def __init__(
        self,
        images: Mapping[str, NDArray[Any]],
        steps: Sequence[Step],
        known: Known | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Take images and label maps (channel, [z,] y, x) and what is done to them.

        `known` holds what was measured before and takes up what is measured on whole images now.
        """
        self._images = {key: _entered(image) for key, image in images.items()}
        self._steps, self._watch = list(steps), watch or Watch()
        self._known: Known = {} if known is None else known
        self._chains = {key: self._chain(key) for key in images}
        self._joined: dict[int, Mapping[str, NDArray[Any]]] = {}
        self.exact = True
        """False once a part was computed that stands for the whole only nearly."""

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of an image after all steps, [z,] y, x."""
        return self._shape(key, len(self._chains[key]))

    def pulls(self, key: str) -> list[Pull]:
        """Return how an image is moved, move after move; those of single channels are left out."""
        return [step.pull for step in self._chains[key] if isinstance(step, Move) and step.channel is None]

    def image(self, key: str, box: Box | None = None) -> NDArray[Any]:
        """Return an image after all steps, or a box of it."""
        return self._part(key, len(self._chains[key]), box or whole(self.shape(key)))

    def images(self) -> dict[str, NDArray[Any]]:
        """Return every image that is changed; label maps that move as an image does are read in the same pass."""
        found: dict[str, NDArray[Any]] = {}
        for key, chain in self._chains.items():
            if chain and key not in found:
                found.update(self._with_twin(key, chain, found))
        return found

    def _with_twin(
        self, key: str, chain: list[Link], found: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        first, twin = chain[0], None
        if not is_label(self._images[key]) and isinstance(first, Move):
            twin = next(
                (other for other in self._chains if other not in found and self._twins(first, key, other)), None
            )
        if twin is None or not isinstance(first, Move) or any(isinstance(step, Joint) for step in chain):
            return {key: self.image(key)}
        start = time.perf_counter()
        moved, labels = pulled(self._images[key], self._images[twin], first.pull, first.border)
        self._watch.moved(key, first.steps, time.perf_counter() - start)
        rest = Render({**self._images, key: moved}, [], self._known, self._watch)
        rest._steps, rest._chains = self._steps, {**self._chains, key: chain[1:]}
        return {key: rest.image(key), twin: labels}

    def _twins(self, move: Move, key: str, other: str) -> bool:
        """Whether a label map moves as an image does, and nothing else is done to it."""
        chain = self._chains[other]
        return (
            len(chain) == 1 and isinstance(chain[0], Move) and chain[0].steps == move.steps
            and is_label(self._images[other]) and self._images[other].shape[1:] == self._images[key].shape[1:]
            and move.channel is None and move.pull.copies is None
        )  # fmt: skip

    def _chain(self, key: str) -> list[Link]:
        """Return what is done to one image, spatial steps that follow each other composed."""
        chain: list[Link] = []
        shape, label = self._images[key].shape[1:], is_label(self._images[key])
        for operation, applied in self._steps:
            if key not in operation.keys or applied.params is None:
                continue
            if isinstance(operation, Spatial):
                move = Move(operation.pull(applied.params, shape), operation.border, (applied,), applied.channel)
                last = chain[-1] if chain else None
                if isinstance(last, Move) and (last.border, last.channel) == (move.border, move.channel):
                    steps = (*last.steps, applied)
                    chain[-1] = move = replace(move, pull=move.pull.after(last.pull), steps=steps)
                else:
                    chain.append(move)
                shape = move.pull.shape
            elif isinstance(operation, Intensity) and not label:
                chain.append(Change(operation, applied))
            elif isinstance(operation, Together):
                chain.append(Joint(operation, applied))
        return chain

    def _shape(self, key: str, done: int) -> tuple[int, ...]:
        moves = [step.pull.shape for step in self._chains[key][:done] if isinstance(step, Move)]
        return moves[-1] if moves else self._images[key].shape[1:]

    def _part(self, key: str, done: int, box: Box, channel: int | None = None) -> NDArray[Any]:
        """Return a box of an image, or of one channel of it, after the first `done` steps of its chain."""
        image, chain = self._images[key], self._chains[key]
        while done and channel is not None and chain[done - 1].channel not in (None, channel):
            done -= 1  # steps of other channels
        channels = slice(None) if channel is None else slice(channel, channel + 1)
        if done == 0:
            return image[(channels, *box)]
        step = chain[done - 1]
        if channel is None and step.channel is not None:
            return np.concatenate([self._part(key, done, box, each) for each in range(len(image))])
        if isinstance(step, Move):
            return self._moved(key, done, box, step, channel)
        if isinstance(step, Joint):
            return self._all_at_once(step)[key][(channels, *box)]
        changed = self._changed(key, done, box, step)
        return changed if channel == step.channel else changed[channel : (channel or 0) + 1]

    def _moved(self, key: str, done: int, box: Box, move: Move, channel: int | None) -> NDArray[Any]:
        source, image = self._shape(key, done - 1), self._images[key]
        part = move.pull.reach(box, source, move.border) if box != whole(move.pull.shape) else whole(source)
        if part is None:
            return np.zeros((len(image) if channel is None else 1, *_shape_of(box)), image.dtype)
        before = self._part(key, done - 1, part, channel)
        images, labels = (before[:0], before) if is_label(image) else (before, before[:0])
        start = time.perf_counter()
        read = sideways if _is_thin(box) else pulled
        moved, marked = read(images, labels, move.pull, move.border, box, [side.start for side in part])
        self._watch.moved(key, move.steps, time.perf_counter() - start)
        return marked if is_label(image) else moved

    def _changed(self, key: str, done: int, box: Box, step: Change) -> NDArray[Any]:
        """Return a box after an intensity step: of the one channel that it changes, or of all."""
        operation, params, shape = step.operation, step.applied.params or {}, self._shape(key, done)
        grown = _grown(box, operation.margin(params), shape)
        before = self._part(key, done - 1, grown, step.channel)
        self.exact &= not operation.whole or grown == whole(shape)
        beside = {name: self._beside(name, step.applied, grown) for name in self._needed(operation)}
        part = Part(tuple(side.start for side in grown), shape, beside)
        start = time.perf_counter()
        after = operation.change(before, params, self._measured(key, done, before, grown == whole(shape)), part)
        self._watch.changed(key, step.applied, before, after, time.perf_counter() - start)
        inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, grown, strict=True))
        return after[(slice(None), *inner)]

    def _needed(self, operation: Intensity) -> list[str]:
        return [str(getattr(operation, name)) for name in operation.needs]

    def _beside(self, key: str, applied: Applied, box: Box) -> NDArray[Any]:
        """Return a box of another image as it is just before a step."""
        return Render(self._images, self._steps[: self._count(applied)], self._known).image(key, box)

    def _count(self, applied: Applied) -> int:
        """Return how many steps come before one."""
        return next(number for number, (_, other) in enumerate(self._steps) if other is applied)

    def _all_at_once(self, step: Joint) -> Mapping[str, NDArray[Any]]:
        """Return all images after a step that changes them together."""
        count = self._count(step.applied)
        if count not in self._joined:
            before = Render(self._images, self._steps[:count], self._known, self._watch)
            given = {key: before.image(key) for key in step.operation.keys if key in self._images}
            start = time.perf_counter()
            found = step.operation.together(given, step.applied.params or {})
            seconds = (time.perf_counter() - start) / len(given)
            for key in given:
                if not is_label(given[key]):
                    self._watch.changed(key, step.applied, given[key], found[key], seconds)
            self._joined[count] = found
        return self._joined[count]

    def _measured(self, key: str, done: int, image: NDArray[np.float32], all_of_it: bool) -> Mapping[str, Any]:
        """Return what a step knows of the whole image; of a part only where the whole was not seen before."""
        step = self._chains[key][done - 1]
        assert isinstance(step, Change)  # noqa: S101 only changes are measured
        if type(step.operation).measure is Intensity.measure:
            return {}
        name = self._name(key, step)
        if all_of_it:
            self._known[name] = step.operation.measure(image)
        elif name not in self._known:
            self.exact = False
            return self._estimated(key, done, step.operation)
        return self._known[name]

    def _name(self, key: str, step: Change) -> str:
        """Return what tells apart all that can be measured of one sample's image before a step."""
        count = self._count(step.applied)
        past = [[_settings(operation), applied.to_json()] for operation, applied in self._steps[:count]]
        return json.dumps([key, past, _settings(step.operation), step.applied.step, step.applied.channel])

    def _estimated(self, key: str, done: int, operation: Intensity) -> Mapping[str, Any]:
        """Measure a thinned image; what depends on neighbours or other images is left out."""
        image = self._images[key]
        dims = image.ndim - 1
        every = max(int((image[0].size / _THIN) ** (1 / dims)), 1)
        thin = Render({key: np.ascontiguousarray(image[(slice(None), *[slice(None, None, every)] * dims)])}, [])
        thin._chains = {key: [step for step in map(_thinner(every), self._chains[key][: done - 1]) if step]}
        thin._steps = self._steps
        channel = self._chains[key][done - 1].channel
        found = thin.image(key)
        return operation.measure(found if channel is None else found[channel : channel + 1])


def _entered(array: NDArray[Any]) -> NDArray[Any]:
    """Return images as float32, and labels of true and false as 1 and 0."""
    if is_label(array):
        return array.astype(np.uint8 if array.dtype == bool else array.dtype.newbyteorder("="), copy=False)
    return array.astype(np.float32, copy=False)


def _shape_of(box: Box) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in box)


def _is_thin(box: Box) -> bool:
    """Whether a box has many rows of few voxels each: a row takes its time, however short it is."""
    *_, width = shape = _shape_of(box)
    return width * _THIN_ROWS <= max(shape) and math.prod(shape) >= width * _MANY_ROWS


def _grown(box: Box, margin: int, shape: Sequence[int]) -> Box:
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size in zip(box, shape, strict=True)
    )


def _settings(operation: Operation) -> str:
    """Return what an operation is set to; what is drawn from its distributions is in its parameters."""
    names = [name for name in type(operation).model_fields if name not in ("p", "enabled")]
    fields = {name: getattr(operation, name) for name in names}
    fixed = {name: value for name, value in fields.items() if not isinstance(value, Plain)}
    return f"{operation.name()} {fixed}"


def _thinner(every: int) -> Callable[[Link], Link | None]:
    """Return what makes the steps for an image of which only every so-many-th voxel is left."""

    def thinned(step: Link) -> Link | None:
        if isinstance(step, Move):
            shape = tuple(-(-size // every) for size in step.pull.shape)
            wide, narrow = (Pull((_scaling(factor, len(shape)),), shape) for factor in (every, 1 / every))
            return replace(step, pull=wide.after(step.pull).after(narrow))
        if isinstance(step, Joint):
            return None
        local = not step.operation.margin(step.applied.params or {}) and not step.operation.whole
        return step if local and not step.operation.needs else None

    return thinned


def _scaling(factor: float, dims: int) -> Matrix:
    return Matrix(np.column_stack([np.eye(dims) * factor, np.zeros(dims)]))
