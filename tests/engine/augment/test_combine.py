"""Augmentations made of others: what is drawn, how often, and that the picture is the one of the flat list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fuse_engine.augment import (
    Affine,
    Applied,
    Augmentation,
    Augmenter,
    Brightness,
    Contrast,
    Flip,
    GaussianNoise,
    Maybe,
    OneOf,
    PerChannel,
    Repeat,
    Sequential,
    SomeOf,
)
from fuse_engine.augment.pull import whole
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import ExperimentError, SampleError
from fuse_engine.core.random import stream
from fuse_engine.core.resolve import component
from fuse_engine.core.sections import Spec
from fuse_engine.testing import tiny_experiment

IMAGE, MASK = "data.input.image", "data.gt.mask"
LIGHT, DARK = Brightness(keys=[IMAGE], shift=1), Brightness(keys=[IMAGE], shift=-1)


def sample(name: str = "s1", channels: int = 2) -> NestedDict:
    image = stream("sample", name).normal(size=(channels, 12, 14)).astype(np.float32)
    return NestedDict({"data.id": name, IMAGE: image, MASK: (image[:1] > 0).astype(np.uint8)})


def drawn(step: Augmentation, name: str = "s1") -> list[tuple[str, str]]:
    """Return path and name of what is done, in its order."""
    found = Augmenter([step], 1).draw(sample(name), 0)
    return [(item.step, item.name) for item in found if item.params is not None]


def test_steps_that_are_drawn_are_recorded_flat_by_their_paths() -> None:
    steps = Sequential(steps=[LIGHT, Sequential(steps=[DARK, Flip(keys=[IMAGE, MASK])])])
    assert drawn(steps) == [("0.0", "Brightness"), ("0.1.0", "Brightness"), ("0.1.1", "Flip")]
    assert drawn(Sequential(steps=[LIGHT], p=0)) == []


def test_one_of_them_comes_as_often_as_its_weight_says() -> None:
    choice = OneOf(steps=[LIGHT, DARK], weights=[1, 3])
    dark = sum(drawn(choice, f"s{number}") == [("0.1", "Brightness")] for number in range(2000))
    assert abs(dark / 2000 - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 2000)
    record = Augmenter([choice], 1).draw(sample(), 0)
    assert {item.step for item in record} == {"0.0", "0.1"}
    assert [item.params for item in record][1:] == [None]


def test_some_of_them_come_once_each_in_order_or_shuffled() -> None:
    steps = [LIGHT, DARK, GaussianNoise(keys=[IMAGE]), Contrast(keys=[IMAGE])]
    plain = [drawn(SomeOf(steps=steps, count={"steps": [0, 3, 1]}), f"s{n}") for n in range(400)]
    counts = np.bincount([len(found) for found in plain], minlength=5)
    assert counts[4] == 0
    assert (np.abs(counts[:4] - 100) < 4 * np.sqrt(75)).all()
    assert all(found == sorted(set(found)) for found in plain)
    mixed = [drawn(SomeOf(steps=steps, count=4, shuffle=True), f"s{n}") for n in range(100)]
    assert all(sorted(found) == [(f"0.{n}", step.name()) for n, step in enumerate(steps)] for found in mixed)
    assert len({tuple(found) for found in mixed}) > 20


def test_a_step_that_is_repeated_draws_anew_each_time() -> None:
    augmenter = Augmenter([Repeat(steps=[GaussianNoise(keys=[IMAGE], std=1)], times=3)], 1)
    record = augmenter.draw(sample(), 0)
    assert [item.step for item in record] == ["0.0"] * 3
    assert len({item.params["seed"] for item in record if item.params}) == 3
    noise = augmenter(sample(), 0)[IMAGE] - sample()[IMAGE]
    assert abs(noise.std() - np.sqrt(3)) < 0.2


def test_maybe_takes_its_steps_or_the_others_and_never_both() -> None:
    either = Maybe(steps=[LIGHT], otherwise=[DARK, Flip(keys=[IMAGE, MASK])], p=0.3)
    found = [drawn(either, f"s{number}") for number in range(1000)]
    others = [("0.1", "Brightness"), ("0.2", "Flip")]
    assert {tuple(each) for each in found} == {(("0.0", "Brightness"),), tuple(others)}
    assert abs(found.count(others) / 1000 - 0.7) < 4 * np.sqrt(0.21 / 1000)
    assert drawn(either.model_copy(update={"enabled": False})) == []


def test_spatial_steps_of_several_combinations_interpolate_once() -> None:
    turn, shift = (
        Affine(keys=[IMAGE, MASK], **{name: value}) for name, value in (("rotate", 11), ("translate", 0.07))
    )
    grow = Affine(keys=[IMAGE, MASK], scale=1.1)
    nested = Augmenter([Sequential(steps=[turn, Maybe(steps=[shift], p=1)]), OneOf(steps=[grow])], 1)
    flat = Augmenter([turn, shift, grow], 1)
    for key in (IMAGE, MASK):
        np.testing.assert_array_equal(nested(sample(), 0)[key], flat(sample(), 0)[key])
    render = nested.render(sample(), nested.draw(sample(), 0))
    assert [len(chain) for chain in render._chains.values()] == [1, 1]


def test_each_channel_is_changed_by_itself() -> None:
    steps = [Affine(keys=[IMAGE], rotate=[-40, 40], translate=[-0.1, 0.1]), Contrast(keys=[IMAGE]), LIGHT]
    augmenter, before = Augmenter([PerChannel(steps=steps)], 1), sample(channels=3)
    record = augmenter.draw(before, 0)
    assert [item.channel for item in record] == [0] * 3 + [1] * 3 + [2] * 3
    after = augmenter.apply(before, record)
    np.testing.assert_array_equal(after[MASK], before[MASK])
    for channel in range(3):
        mine = [Applied(item.step[2:], item.name, item.params) for item in record if item.channel == channel]
        one = NestedDict({"data.id": "s1", IMAGE: before[IMAGE][channel : channel + 1]})
        np.testing.assert_array_equal(Augmenter(steps, 1).apply(one, mine)[IMAGE][0], after[IMAGE][channel])
    part = (slice(3, 9), slice(2, 10))
    render = augmenter.render(before, record)
    render.image(IMAGE, whole((12, 14)))
    np.testing.assert_allclose(render.image(IMAGE, part), after[IMAGE][(slice(None), *part)], atol=1e-5)


def test_what_cannot_go_channel_by_channel_is_refused() -> None:
    label = Augmenter([PerChannel(steps=[Affine(keys=[IMAGE, MASK], rotate=5)])], 1)
    with pytest.raises(SampleError, match="'data.gt.mask' is a label map: it cannot go with each channel"):
        label.draw(sample(), 0)
    with pytest.raises(ValueError, match="expected no points or boxes"):
        PerChannel(steps=[Flip(keys=[IMAGE], points=["data.gt.points"])])
    with pytest.raises(ValueError, match="no PerChannel within another"):
        PerChannel(steps=[Sequential(steps=[PerChannel(steps=[LIGHT])])])


def test_what_is_wrong_within_is_named_with_its_place() -> None:
    nested = Augmenter(
        [Maybe(steps=[LIGHT], otherwise=[Sequential(steps=[Flip(keys=[IMAGE], axes=["z"])])], p=0)], 1
    )
    with pytest.raises(SampleError) as caught:
        nested.draw(sample(), 0)
    where = "augmentation.0.Maybe.otherwise.0.Sequential.steps.0.Flip.axes"
    assert [problem.where for problem in caught.value.problems] == [where]


def test_wrong_settings_are_named_with_file_places(tmp_path: Path) -> None:
    inner = {"Gamma": {"keys": [IMAGE], "gama": 2}}
    spec = Spec(name="OneOf", args={"steps": [inner], "weights": [1, 2]})
    with pytest.raises(ExperimentError, match=r"augmentation.0.OneOf.steps.0.Gamma.gama: unknown field") as caught:
        component("augmentation", spec, ("augmentation", 0), tiny_experiment(tmp_path))
    assert caught.value.problems[0].nearest == "gamma"
    with pytest.raises(ValueError, match="expected 1 weights, one for each step, got 2"):
        OneOf(steps=[LIGHT], weights=[1, 2])
    with pytest.raises(ValueError, match="expected a count up to 1"):
        SomeOf(steps=[LIGHT], count=[1, 2])


def test_forms_can_draw_them() -> None:
    fields = {field.name: field for field in describe(Maybe).fields}
    for name in ("steps", "otherwise"):
        assert (fields[name].kind, fields[name].item and fields[name].item.slot) == ("list", "augmentation")
