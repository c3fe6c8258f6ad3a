"""Does what was drawn to a sample: the whole of it for training, or one plane of it for a quick look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuse_engine.augment.base import Applied, Intensity, Operation, Part, Spatial, is_label
from fuse_engine.augment.pull import Border, Box, Pull, pulled, whole

Step = tuple[Operation, Applied]
Known = dict[str, Mapping[str, Any]]
"""What was measured on whole images, by what had been done to them."""


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


class Render:
    """The images of one sample after drawn steps, whole or in part; computed when asked for."""

    def __init__(
        self, images: Mapping[str, NDArray[Any]], steps: Sequence[Step], known: Known | None = None
    ) -> None:
        """Take images and label maps (channel, [z,] y, x) and what is done to them.

        `known` holds what was measured before and takes up what is measured on whole images now.
        """
        self._images, self._steps = images, list(steps)
        self._known: Known = {} if known is None else known
        self._chains = {key: self._chain(key) for key in images}
        self.exact = True
        """False once a part was computed that stands for the whole only nearly."""

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of an image after all steps, [z,] y, x."""
        return self._shape(key, len(self._chains[key]))

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
        self, key: str, chain: list[Move | Change], found: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        first, twin = chain[0], None
        if not is_label(self._images[key]) and isinstance(first, Move):
            twin = next(
                (other for other in self._chains if other not in found and self._twins(first, key, other)), None
            )
        if twin is None or not isinstance(first, Move):
            return {key: self.image(key)}
        moved, labels = pulled(self._images[key], self._images[twin], first.pull, first.border)
        rest = Render({**self._images, key: moved}, [], self._known)
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

    def _chain(self, key: str) -> list[Move | Change]:
        """Return what is done to one image, spatial steps that follow each other composed."""
        chain: list[Move | Change] = []
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
        return chain

    def _shape(self, key: str, done: int) -> tuple[int, ...]:
        moves = [step.pull.shape for step in self._chains[key][:done] if isinstance(step, Move)]
        return moves[-1] if moves else self._images[key].shape[1:]

    def _part(self, key: str, done: int, box: Box) -> NDArray[Any]:
        """Return a box of an image after the first `done` steps of its chain."""
        if done == 0:
            return self._images[key][(slice(None), *box)]
        step = self._chains[key][done - 1]
        return self._moved(key, done, box, step) if isinstance(step, Move) else self._changed(key, done, box, step)

    def _moved(self, key: str, done: int, box: Box, move: Move) -> NDArray[Any]:
        source, image = self._shape(key, done - 1), self._images[key]
        part = move.pull.reach(box, source, move.border) if box != whole(move.pull.shape) else whole(source)
        if part is None:
            return np.zeros((len(image), *_shape_of(box)), image.dtype)
        before = self._part(key, done - 1, part)
        pull = move.pull.moved([side.start for side in part])
        some = before if move.channel is None else before[move.channel : move.channel + 1]
        images, labels = (some[:0], some) if is_label(image) else (some, some[:0])
        moved, marked = pulled(images, labels, pull, move.border, box)
        after = marked if is_label(image) else moved
        if move.channel is None:
            return after
        result = before.copy()
        result[move.channel] = after[0]
        return result

    def _changed(self, key: str, done: int, box: Box, step: Change) -> NDArray[Any]:
        operation, params, shape = step.operation, step.applied.params or {}, self._shape(key, done)
        grown = _grown(box, operation.margin(params), shape)
        before = self._part(key, done - 1, grown)
        self.exact &= not operation.whole or grown == whole(shape)
        beside = {name: self._beside(name, step.applied, grown) for name in self._needed(operation)}
        part = Part(tuple(side.start for side in grown), shape, beside)
        some = before if step.applied.channel is None else before[step.applied.channel : step.applied.channel + 1]
        after = operation.change(some, params, self._measured(key, done, some, grown == whole(shape)), part)
        if step.applied.channel is not None:
            after = np.concatenate([before[: step.applied.channel], after, before[step.applied.channel + 1 :]])
        inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, grown, strict=True))
        return after[(slice(None), *inner)]

    def _needed(self, operation: Intensity) -> list[str]:
        return [str(getattr(operation, name)) for name in operation.needs]

    def _beside(self, key: str, applied: Applied, box: Box) -> NDArray[Any]:
        """Return a box of another image as it is just before a step."""
        before = self._steps[: next(n for n, (_, other) in enumerate(self._steps) if other is applied)]
        return Render({key: self._images[key]}, before, self._known).image(key, box)

    def _measured(self, key: str, done: int, image: NDArray[np.float32], all_of_it: bool) -> Mapping[str, Any]:
        """Return what a step knows of the whole image; of a part only where the whole was not seen before."""
        step = self._chains[key][done - 1]
        assert isinstance(step, Change)  # noqa: S101 only changes are measured
        if type(step.operation).measure is Intensity.measure:
            return {}
        past = [
            [applied.to_json() for applied in (before.steps if isinstance(before, Move) else (before.applied,))]
            for before in self._chains[key][: done - 1]
        ]
        name = json.dumps([key, past, step.applied.step, step.applied.channel])
        if all_of_it:
            self._known[name] = step.operation.measure(image)
        elif name not in self._known:
            self.exact = False
            return step.operation.measure(image)
        return self._known[name]


def _shape_of(box: Box) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in box)


def _grown(box: Box, margin: int, shape: Sequence[int]) -> Box:
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size in zip(box, shape, strict=True)
    )
