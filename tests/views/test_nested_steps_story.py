"""Augmentations within augmentations, put together by hand on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fuse_engine.augment import Flip, OneOf
from fuse_engine.core.catalog import catalog, describe
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.field import Item, Offers
from fuse_gui.models.form import item_of

Draw = Callable[[Item], Any]


@pytest.fixture
def steps() -> Any:
    spec = next(field for field in describe(Experiment).fields if field.name == "augmentation")
    return item_of(spec, Offers(catalog().of, ["data.input.image"]))


def test_steps_are_added_within_a_step_and_filled_in(steps: Any, draw: Draw) -> None:
    gamma = {"Gamma": {"keys": ["data.input.image"]}}
    steps.load([{"Maybe": {"p": 0.25, "steps": [{"OneOf": {"steps": [gamma]}}]}}])
    hand = draw(steps)
    inner = steps.find(["0", "Maybe", "steps", "0", "OneOf", "steps"])
    inner.add("Flip").form.items["keys"].load(["data.input.image"])
    hand.enter("each", "0.75")
    (plain,) = steps.plain()
    found = plain["Maybe"]["steps"][0]["OneOf"]
    assert [next(iter(step)) for step in found["steps"]] == ["Gamma", "Flip"]
    flip = OneOf.model_validate(found).steps[1]
    assert isinstance(flip, Flip)
    assert flip.each == 0.75


def test_a_problem_within_a_step_is_shown_at_its_field(steps: Any, draw: Draw) -> None:
    flip = {"Flip": {"keys": ["data.input.image"], "axes": ["z"]}}
    steps.load([{"SomeOf": {"steps": [flip], "count": {"steps": [0, 1, 1]}}}])
    hand = draw(steps)
    place = ["0", "SomeOf", "steps", "0", "Flip", "axes"]
    steps.show_problems([(place, "a 2-D image has no z axis")])
    assert steps.find(place).problem == "a 2-D image has no z axis"
    assert any("no z axis" in text for text in hand.texts())
