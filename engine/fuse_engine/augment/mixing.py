"""Augmentations that mix the samples of a batch; chance depends on (seed, epoch, ids of the batch, step)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fuse_engine.augment.base import RECORD, Applied, Augmentation, Params, Scene, is_label
from fuse_engine.augment.chance import Chance
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.distribution import Distribution, uniform
from fuse_engine.core.errors import FuseError, KeyMissing, SampleError, nearest
from fuse_engine.core.keys import Key
from fuse_engine.core.registry import register

Sample = Mapping[str, Any]


class BatchOperation(Augmentation):
    """Mixes each sample of a batch with another one of it, after all other steps; `p` is drawn once a batch."""

    keys: list[Key] = Field(min_length=1)
    """Images and label maps that are mixed, e.g. `data.input.image`; those of a batch have one shape."""
    targets: list[Key] = Field([])
    """Classes that are mixed likewise, e.g. `data.gt.classification`: each becomes the shares of all classes;
    of the losses CrossEntropy takes them."""
    classes: int | None = Field(None, ge=2)
    """Number of classes of the targets; needed with `targets`."""

    @model_validator(mode="after")
    def _classes_of_targets(self) -> Self:
        if self.targets and self.classes is None:
            raise ValueError("expected `classes`, the number of classes, with `targets`")
        return self

    def decide(self, step: str, chance: Chance, scene: Scene) -> tuple[list[Applied], Scene]:
        """Leave a single sample alone."""
        return [Applied(step, self.name(), None)], scene

    def partners(self, chance: Chance, samples: Sequence[Sample]) -> list[Params | None]:
        """Draw what each sample is mixed with, and how; None where the batch is left alone."""
        if not self.enabled or not chance.happens(self.p) or len(samples) < 2:
            return [None] * len(samples)
        order = chance.shuffled(range(len(samples)))
        # each with the next one of a circle, so that none is mixed with itself
        partner = dict(zip(order, [*order[1:], order[0]], strict=True))
        shape = np.shape(self._array(samples[0], self.keys[0]))[1:]
        return [
            {"partner": str(samples[partner[index]]["data.id"]), **self.sample(chance, shape)}
            for index in range(len(samples))
        ]

    def mixed(self, sample: Sample, partner: Sample, params: Params) -> NestedDict:
        """Return a sample mixed with its partner; neither is changed.

        Raises:
            SampleError: when a key is missing, or shapes differ.
        """
        result = NestedDict(dict(sample))
        for key in self.keys:
            image, other = self._array(sample, key), self._array(partner, key)
            if image.shape != other.shape:
                raise SampleError(
                    f"'{key}' has different shapes in one batch", sample=str(sample["data.id"]),
                    expected=f"{other.shape}, as sample '{partner['data.id']}' has; a Resize step in the pipeline",
                    got=str(image.shape),
                )  # fmt: skip
            result[key] = self.mix(image, other, params)
        for key in self.targets:
            own, others = (self._shares(item, key) for item in (sample, partner))
            share = np.float32(params["share"])
            result[key] = (1 - share) * own + share * others
        return result

    @abstractmethod
    def sample(self, chance: Chance, shape: tuple[int, ...]) -> Params:
        """Draw how a sample is mixed, for images of that shape ([z,] y, x); `share` is that of the partner."""

    @abstractmethod
    def mix(self, image: NDArray[Any], other: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return an image or label map mixed with that of the partner, both (channel, [z,] y, x)."""

    def _array(self, sample: Sample, key: str) -> NDArray[Any]:
        if key not in sample or not isinstance(sample[key], np.ndarray):
            known = [name for name, value in sample.items() if isinstance(value, np.ndarray)]
            raise KeyMissing(f"'{key}' is no image", expected=", ".join(known), nearest=nearest(key, known))
        found: NDArray[Any] = sample[key]
        return found

    def _shares(self, sample: Sample, key: str) -> NDArray[np.float32]:
        """Return the share of each class."""
        if key not in sample:
            raise KeyMissing(f"the sample lacks '{key}'", nearest=nearest(key, sample))
        value = np.asarray(sample[key])
        if value.shape == (self.classes,) and value.dtype.kind == "f":
            return value.astype(np.float32)  # mixed by the step before
        if value.ndim or value.dtype.kind not in "iu" or not 0 <= value < (self.classes or 0):
            raise SampleError(
                f"'{key}' holds no class", sample=str(sample["data.id"]), got=str(sample[key]),
                expected=f"a class from 0 to {(self.classes or 0) - 1}, as `classes` is {self.classes}",
            )  # fmt: skip
        found = np.zeros(self.classes or 0, np.float32)
        found[int(value)] = 1
        return found


@register
class MixUp(BatchOperation):
    """Adds a share of another image to each image of a batch.

    H. Zhang et al., arXiv:1710.09412; FuseMedML's `aug_op_batch_mix_up`. Label maps cannot be added: that of the
    larger share is taken.
    """

    share: Distribution = Field(uniform(0.0, 0.5), ge=0, le=1)
    """Share of the other image, drawn for each sample; `[0, 0.5]` is Beta(1, 1) with the larger share its own."""

    def sample(self, chance: Chance, shape: tuple[int, ...]) -> Params:
        """Draw the share."""
        return {"share": chance.number(self.share)}

    def mix(self, image: NDArray[Any], other: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return the sum of the shares; of label maps the one of the larger share."""
        if is_label(image):
            return (other if params["share"] > 0.5 else image).copy()
        share = np.float32(params["share"])
        return np.asarray((1 - share) * image + share * other, image.dtype)


@register
class CutMix(BatchOperation):
    """Pastes a box of another image into each image of a batch, and the same box of its label map.

    S. Yun et al., arXiv:1905.04899, with boxes that lie within the image, so that they are as large as drawn.
    """

    share: Distribution = Field(uniform(0.0, 0.5), ge=0, le=1)
    """Share of the image that the box covers, drawn for each sample; it has the proportions of the image."""

    def sample(self, chance: Chance, shape: tuple[int, ...]) -> Params:
        """Draw the box: its first voxel and its size, [z,] y, x; and the share that it covers to the voxel."""
        edge = chance.number(self.share) ** (1 / len(shape))
        size = [round(edge * side) for side in shape]
        first = [
            round(chance.number(uniform(0.0, 1.0)) * (side - part)) for side, part in zip(shape, size, strict=True)
        ]
        share = float(np.prod(size) / np.prod(shape))
        return {"share": share, "first": first, "size": size, "shape": list(shape)}

    def mix(self, image: NDArray[Any], other: NDArray[Any], params: Params) -> NDArray[Any]:
        """Return the image with the other's box.

        Raises:
            FuseError: when it is of another size than the first image.
        """
        if list(image.shape[1:]) != params["shape"]:
            raise FuseError(
                "images of different sizes have no box in common", where="keys",
                expected=f"{params['shape']}, the size of '{self.keys[0]}'", got=str(list(image.shape[1:])),
            )  # fmt: skip
        box = tuple(slice(a, a + n) for a, n in zip(params["first"], params["size"], strict=True))
        found = image.astype(np.result_type(image, other))
        found[(slice(None), *box)] = other[(slice(None), *box)]
        return found


def batch_steps(steps: Sequence[Augmentation]) -> Iterator[tuple[int, BatchOperation]]:
    """Yield the steps that mix batches, each with its place.

    Raises:
        FuseError: when one is not at the end of the list, or within another step.
    """
    begun = False
    for index, step in enumerate(steps):
        for inner in _within(step):
            if isinstance(inner, BatchOperation):
                raise FuseError(
                    f"{inner.name()} cannot stand within {step.name()}", where=_place(index, step),
                    expected=f"{inner.name()} by itself, after all steps that change single samples",
                )  # fmt: skip
        if isinstance(step, BatchOperation):
            begun = True
            yield index, step
        elif begun:
            raise FuseError(
                f"{step.name()} comes after a step that mixes batches", where=_place(index, step),
                expected="steps that mix batches at the end",
            )  # fmt: skip


def mixed(steps: Sequence[Augmentation], seed: int, samples: Sequence[Sample], epoch: int) -> list[Sample]:
    """Return the samples of a batch mixed with each other, in their order; what was drawn stands in their records.

    Samples have been augmented before, as arrays; none is changed. The same ids in the same order are mixed the
    same way, so that a batch can be made again.

    Raises:
        SampleError: naming the step, when samples cannot be mixed.
    """
    found, ids = list(samples), [str(sample["data.id"]) for sample in samples]
    for index, step in batch_steps(steps):
        try:
            drawn = step.partners(Chance("batch", seed, epoch, index, *ids), found)
            by_name = dict(zip(ids, found, strict=True))
            found = [
                _recorded(_mixed(step, sample, by_name, params), Applied(str(index), step.name(), params))
                for sample, params in zip(found, drawn, strict=True)
            ]
        except FuseError as error:
            raise SampleError(*error.placed(where=_place(index, step)).problems) from None
    return found


def _mixed(
    step: BatchOperation, sample: Sample, by_name: Mapping[str, Sample], params: Params | None
) -> NestedDict:
    if params is None:
        return NestedDict(dict(sample))
    return step.mixed(sample, by_name[params["partner"]], params)


def _recorded(sample: NestedDict, applied: Applied) -> NestedDict:
    before = [item for item in sample[RECORD] if item["step"] != applied.step] if RECORD in sample else []
    sample[RECORD] = [*before, applied.to_json()]
    return sample


def _place(index: int, step: Augmentation) -> str:
    return f"augmentation.{index}.{step.name()}"


def _within(step: Augmentation) -> Iterator[Augmentation]:
    for inner in step.within():
        yield inner
        yield from _within(inner)
