"""One story of a form, told on Qt and on ipywidgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fuse_gui.models.field import Item
from fuse_gui.models.form import Group
from tests.gui_toys import training

Draw = Callable[[Item], Any]


@pytest.fixture
def form() -> Group:
    made = training()
    made.load({"heads": {"seg": {"Dense": {}}}})
    return made


def test_every_value_is_shown_exactly(form: Group, draw: Draw) -> None:
    hand = draw(form)
    expected = {
        "lr": "0.0001", "low": "-1000", "classes": "2000", "workers": "", "amp": True, "norm": "zscore",
        "sizes": "32, 64", "spacing": "0.5, 0.5, 1.25", "root": "/data", "image": "data.input.image",
        "loss": "Dice", "balance": "", "smooth": "1", "keys": "data.input.image",
    }  # fmt: skip
    assert {name: hand.shown(name) for name in expected} == expected


def test_what_is_typed_reaches_the_model(form: Group, draw: Draw) -> None:
    hand = draw(form)
    for name, value in {
        "lr": "1e-8",
        "sizes": "16, 32, 64",
        "amp": False,
        "norm": "none",
        "root": "x y.csv",
    }.items():
        hand.enter(name, value)
    hand.enter("image", "data.input.new")
    assert form.items["lr"].value == 1e-8
    assert form.items["sizes"].value == [16, 32, 64]
    assert form.plain() == {
        "heads": {"seg": {"Dense": {}}}, "lr": "1e-8", "sizes": ["16", "32", "64"], "amp": False, "norm": "none",
        "root": "x y.csv", "image": "data.input.new",
    }  # fmt: skip


def test_a_bad_value_is_explained_until_it_is_mended(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("lr", "7")
    assert form.items["lr"].value == 1e-4
    assert hand.shown("lr") == "7"
    assert any("below 1" in text for text in hand.texts())
    hand.enter("lr", "1e-3")
    assert form.items["lr"].value == 1e-3
    assert not any("below 1" in text for text in hand.texts())


def test_what_others_change_reaches_the_widgets(form: Group, draw: Draw) -> None:
    hand = draw(form)
    form.load({"lr": "3e-5", "amp": "no", "norm": "minmax", "loss": "Focal", "heads": {"a": {"Pooling": {}}}})
    assert [hand.shown(name) for name in ("lr", "amp", "norm", "loss", "gamma")] == [
        "3e-5", False, "minmax", "Focal", "2",
    ]  # fmt: skip
    assert hand.names() == ["a"]
    form.offers.set_keys(["data.input.other"])
    assert hand.shown("image") == "data.input.image"


def test_an_optional_value_is_emptied(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("workers", "4")
    assert form.plain()["workers"] == "4"
    hand.enter("workers", "")
    assert form.plain()["workers"] is None
    hand.enter("balance", "Balance")
    hand.enter("weights", "1, 3")
    assert form.plain()["balance"] == {"weights": ["1", "3"]}
    hand.enter("balance", "")
    assert form.plain()["balance"] is None


def test_a_component_is_swapped_forty_times(form: Group, draw: Draw) -> None:
    hand = draw(form)
    hand.enter("loss", "Focal")
    hand.enter("gamma", "3.5")
    for _ in range(20):
        hand.enter("loss", "Dice")
        hand.enter("loss", "Focal")
    assert (hand.shown("gamma"), form.plain()["loss"]) == ("3.5", {"Focal": {"gamma": "3.5"}})
    hand.enter("gamma", "1")
    assert form.plain()["loss"] == {"Focal": {"gamma": "1"}}


def test_a_named_item_is_added_renamed_moved_and_removed(form: Group, draw: Draw) -> None:
    form.load({"heads": {"seg": {"Dense": {}}}, "keys": [], "where": None})
    hand = draw(form.items["heads"])
    hand.press("Add head")
    hand.rename(1, "birads")
    hand.enter("classes", "5", 1)
    hand.press("↑", 1)
    assert form.plain()["heads"] == {"birads": {"Pooling": {"classes": "5"}}, "seg": {"Dense": {}}}
    assert hand.names() == ["birads", "seg"]
    hand.rename(0, "seg")
    assert any("taken" in text for text in hand.texts())
    hand.press("×", 1)
    assert form.plain()["heads"] == {"birads": {"Pooling": {"classes": "5"}}}
    assert hand.names() == ["birads"]


def test_keys_are_added_to_a_list(form: Group, draw: Draw) -> None:
    hand = draw(form.items["keys"])
    hand.press("Add")
    hand.enter("keys", "data.gt.segmentation", 1)
    hand.press("×", 0)
    assert form.plain()["keys"] == ["data.gt.segmentation"]


def test_an_unknown_argument_is_shown_and_can_be_removed(form: Group, draw: Draw) -> None:
    form.load({"lrr": "2"})
    hand = draw(form)
    assert any("did you mean 'lr'?" in text for text in hand.texts())
    hand.press("Remove lrr: '2'")
    assert form.plain() == {}
    assert not any("lrr" in text for text in hand.texts())


def test_help_is_text_whatever_it_looks_like(form: Group, draw: Draw) -> None:
    form.items["loss"].choose("Focal")
    hand = draw(form)
    assert "What the model says <b>here</b>." in hand.texts()
    assert hand.help_of("pred") == "What the model says <b>here</b>."
