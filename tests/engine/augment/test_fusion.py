"""Spatial steps that follow each other: one interpolation, nearer to the truth than one after the other."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fuse_engine.augment import Affine, Augmenter, Crop, Elastic, Flip, Gamma, GridDistortion, Pad, Rotate90, Zoom
from fuse_engine.augment.pull import Pull, pulled
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.random import stream

IMAGE, MASK = "data.input.image", "data.gt.mask"
BOTH: dict[str, Any] = {"keys": [IMAGE, MASK]}
SHAPES = [(60, 72), (30, 44, 40)]


def make_augmenter(dims: int) -> Augmenter:
    planes = ["xy"] if dims == 2 else ["xy", "zx"]
    steps = [
        Flip(**BOTH, each=1), Affine(**BOTH, rotate=(-20, 20), scale=(0.9, 1.1)),
        Elastic(**BOTH, max_displacement=(2, 4)), Rotate90(**BOTH, planes=planes), GridDistortion(**BOTH),
        Crop(**BOTH, size=[24, 28, 30][-dims:]), Zoom(**BOTH, factor=(1, 1.3)),
    ]  # fmt: skip
    return Augmenter(steps, 5)


def wave(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a smooth function of places (n, dims), waves of about 14 pixels."""
    speed = np.array([0.4, 0.31, 0.45])[: places.shape[1]]
    value: NDArray[np.float64] = np.sin(places * speed + 0.3).prod(1)
    return value


def make_sample(shape: tuple[int, ...]) -> NestedDict:
    values = wave(np.argwhere(np.ones(shape)).astype(float)).reshape(1, *shape)
    labels = stream("labels").integers(0, 3, (1, *shape), np.uint8)
    return NestedDict({"data.id": "s", IMAGE: values.astype(np.float32), MASK: labels})


def composed(augmenter: Augmenter, sample: NestedDict, epoch: int) -> Pull:
    shape = sample[IMAGE].shape[1:]
    pull = Pull((), shape)
    for item in augmenter.draw(sample, epoch):
        operation = augmenter.operations[item.step]
        assert item.params is not None
        pull = operation.pull(item.params, pull.shape).after(pull)  # type: ignore[attr-defined]
    return pull


def inner(pull: Pull, source: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where each output pixel is read, and whether that is well within the image."""
    places = pull(np.argwhere(np.ones(pull.shape)).astype(float))
    return places, ((places > 2) & (places < np.array(source) - 3)).all(1).reshape(pull.shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_one_interpolation(shape: tuple[int, ...]) -> None:
    augmenter, sample = make_augmenter(len(shape)), make_sample(shape)
    for epoch in range(3):
        moved = augmenter(sample, epoch)
        image, labels = pulled(sample[IMAGE], sample[MASK], composed(augmenter, sample, epoch), "zeros")
        assert np.array_equal(moved[IMAGE], image)
        assert np.array_equal(moved[MASK], labels)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_nearer_to_the_truth_than_one_step_after_the_other(shape: tuple[int, ...]) -> None:
    augmenter, sample = make_augmenter(len(shape)), make_sample(shape)
    for epoch in range(3):
        places, within = inner(composed(augmenter, sample, epoch), shape)
        truth, slowly = wave(places).reshape(within.shape), sample[IMAGE]
        for item in augmenter.draw(sample, epoch):
            slowly = augmenter.operations[item.step].apply(slowly, item.params or {})
        once = np.abs(augmenter(sample, epoch)[IMAGE][0] - truth)[within]
        stepwise = np.abs(slowly[0] - truth)[within]
        assert within.sum() > 300
        assert once.mean() < 0.75 * stepwise.mean()
        assert np.sqrt((once**2).mean()) < 0.75 * np.sqrt((stepwise**2).mean())


@pytest.mark.parametrize("shape", SHAPES)
def test_points_go_the_composed_way(shape: tuple[int, ...]) -> None:
    sample, points = make_sample(shape), stream("points").uniform(10, 20, (30, len(shape)))
    pull = composed(make_augmenter(len(shape)), sample, 1)
    assert np.abs(pull(pull.push(points)) - points).max() < 1e-3


def test_what_one_step_moves_out_the_next_brings_back() -> None:
    sample, steps = make_sample((60, 72)), [Crop(**BOTH, size=[40, 40], place=0.5), Pad(**BOTH, size=[60, 72])]
    assert np.array_equal(Augmenter(steps, 1)(sample, 0)[IMAGE], sample[IMAGE])
    steps[1] = Pad(**BOTH, size=[60, 72], border="edge")  # another border: not composed
    assert not np.array_equal(Augmenter(steps, 1)(sample, 0)[IMAGE], sample[IMAGE])


@pytest.mark.parametrize("shape", SHAPES)
def test_any_part_is_that_of_the_whole(shape: tuple[int, ...]) -> None:
    """With an intensity step and another border between, so that three interpolations follow each other."""
    dims, sample = len(shape), make_sample(shape)
    steps = [
        *make_augmenter(dims).steps[:4], Gamma(keys=[IMAGE], gamma=(1.2, 1.3)), Affine(**BOTH, rotate=9),
        Elastic(**BOTH, max_displacement=3, border="reflect"), Pad(**BOTH, by=3, border="edge"),
    ]  # fmt: skip
    augmenter = Augmenter(steps, 5)
    drawn = augmenter.draw(sample, 0)
    render = augmenter.render(sample, drawn)
    every = render.images()
    rng = stream("parts")
    for _ in range(8):
        ends = [np.sort(rng.choice(size + 1, 2, replace=False)) for size in render.shape(IMAGE)]
        box = tuple(slice(int(a), int(b)) for a, b in ends)
        for key in (IMAGE, MASK):
            assert np.array_equal(render.image(key, box), every[key][(slice(None), *box)])
    assert render.exact


def digest() -> str:
    """Return what tells whether another process moves to the same bits; see the test of the augmenter."""
    found = hashlib.sha256()
    for shape in SHAPES:
        moved = make_augmenter(len(shape))(make_sample(shape), 2)
        found.update(moved[IMAGE].tobytes() + moved[MASK].tobytes())
    return found.hexdigest()


def test_inputs_of_other_types_and_layouts_give_the_same() -> None:
    augmenter, sample = make_augmenter(2), make_sample((60, 72))
    expected = augmenter(sample, 0)
    other = sample.copy()
    other[IMAGE] = np.asfortranarray(sample[IMAGE].astype(">f8"))
    other[MASK] = (sample[MASK].astype(">i2")[:, ::-1])[:, ::-1]
    moved = augmenter(other, 0)
    assert moved[IMAGE].dtype == np.float32
    assert np.array_equal(moved[IMAGE], expected[IMAGE])
    assert np.array_equal(moved[MASK], expected[MASK])
    other[MASK] = sample[MASK] > 1
    moved = augmenter(other, 0)
    assert moved[MASK].dtype == np.uint8
    assert np.array_equal(moved[MASK], expected[MASK] > 1)
