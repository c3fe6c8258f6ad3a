"""The rules of augmentations."""

from __future__ import annotations

import json

import numpy as np

from fuse_engine.augment import Augmentation, Augmenter, BatchOperation, Operation
from fuse_engine.augment.base import RECORD
from fuse_engine.augment.mixing import mixed
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.random import stream
from fuse_engine.testing.contract.rules import SIZES, ContractError, accepted, expect

_LABEL = "data.gt.segmentation"


def check_augmentation(step: Augmentation) -> None:
    """Draws plain data, the same every time; applies it the same every time, never in place."""
    if isinstance(step, Operation):
        step = step.model_copy(update={"keys": [*step.keys, _LABEL]})
    step = step.model_copy(update={"p": 1.0})

    def numbers(size: tuple[int, ...]) -> None:
        if not size:
            raise FuseError("an augmentation changes images")
        try:
            every(size)
        except (RuntimeError, ValueError, IndexError) as error:
            if isinstance(error, FuseError):
                raise
            message = f"fails without saying what it expects of an image of shape {size}: {error}"
            raise ContractError(f"{step.kind} {step.name()} {message}") from error

    def every(size: tuple[int, ...]) -> None:
        augmenter = Augmenter([step], 1)
        sample = _pictured(augmenter, size)
        for epoch in range(3):
            _check_draw(augmenter, sample, epoch)
        for operation in augmenter.operations.values():
            _check_neutral(operation, sample)

        if isinstance(step, BatchOperation):
            _check_mixing(step, size)

    accepted(step, numbers, SIZES)


def _check_mixing(step: BatchOperation, size: tuple[int, ...]) -> None:
    cls, rng = type(step), stream("mixing", *size)
    batch = [
        NestedDict({"data.id": name, **{key: rng.random((1, *size), np.float32) for key in step.keys}})
        for name in ("s1", "s2", "s3")
    ]
    before = [{key: sample[key].copy() for key in step.keys} for sample in batch]
    first, again = (mixed([step], 1, batch, epoch=0) for _ in range(2))
    record = [sample[RECORD] for sample in first]
    expect(json.loads(json.dumps(record)) == record, cls, "draws what JSON cannot hold")
    for index, sample in enumerate(batch):
        for key in step.keys:
            expect(np.array_equal(sample[key], before[index][key]), cls, "changes its input")
            expect(np.array_equal(first[index][key], again[index][key]), cls, "mixes by chance of its own")
            expect(first[index][key].dtype == sample[key].dtype, cls, "changes the type of numbers")


def _check_draw(augmenter: Augmenter, sample: NestedDict, epoch: int) -> None:
    cls, drawn = type(augmenter.steps[0]), augmenter.draw(sample, epoch)
    images = [key for key in sample if isinstance(sample[key], np.ndarray)]
    before = {key: sample[key].copy() for key in images}
    expect(drawn == augmenter.draw(sample, epoch), cls, "draws by chance of its own")
    record = [item.to_json() for item in drawn]
    expect(json.loads(json.dumps(record)) == record, cls, "draws what JSON cannot hold")
    after, again = augmenter.apply(sample, drawn), augmenter.apply(sample, drawn)
    for key in images:
        expect(np.array_equal(sample[key], before[key]), cls, "changes its input")
        expect(np.array_equal(after[key], again[key]), cls, "applies by chance of its own")
        expect(after[key].dtype == sample[key].dtype, cls, "changes the type of numbers")


def _check_neutral(operation: Operation, sample: NestedDict) -> None:
    image = sample[operation.keys[0]]
    neutral = operation.neutral(Geometry.plain(image.shape[1:]))
    if neutral is not None:
        same = np.allclose(operation.apply(image, neutral), image, atol=1e-5)
        expect(same, type(operation), "changes an image by its neutral parameters")


def _pictured(augmenter: Augmenter, size: tuple[int, ...]) -> NestedDict:
    """Return a sample with an image under every key that is changed or looked at, and a label map."""
    rng = stream("augmentation", *size)
    found = NestedDict({"data.id": "s1"})
    for key in sorted(augmenter.keys - {_LABEL}):
        found[key] = rng.random((3, *size), np.float32)
    labels = {getattr(step, name) for step in augmenter.operations.values() for name in getattr(step, "needs", ())}
    for key in {_LABEL, *labels}:
        found[key] = rng.integers(0, 3, (1, *size), np.uint8)
    return found
