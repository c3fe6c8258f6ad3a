"""The form model: what is typed, what is kept, and what goes back into the file."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fuse_engine.core.catalog import FieldSpec, describe
from fuse_engine.core.document import dump, dump_value, parse, parse_value
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.field import Field, Offers
from fuse_gui.models.field_list import FieldList
from fuse_gui.models.form import Group, Slot
from tests.gui_toys import KEYS, offers, training

NOTHING = Offers(lambda kind: {})


def field(kind: str, **facts: Any) -> Field:
    return Field(FieldSpec(name="x", kind=kind, **facts), NOTHING)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "typed", "value"),
    [
        ({"kind": "float"}, "1e-8", 1e-8),
        ({"kind": "float"}, " 0.30000000000000004 ", 0.30000000000000004),
        ({"kind": "int"}, "9007199254740993", 9007199254740993),
        ({"kind": "int"}, "4.0", 4),
        ({"kind": "bool"}, "Off", False),
        ({"kind": "numbers", "length": 3}, "[0.5, 0.5; 1.25]", [0.5, 0.5, 1.25]),
        ({"kind": "numbers", "whole": True}, "16 32 64", [16, 32, 64]),
        ({"kind": "text"}, "NO", "NO"),
        ({"kind": "text"}, "", ""),
        ({"kind": "text", "optional": True}, "", None),
        ({"kind": "text", "literal": True}, "{biopsy: [positive, 012]}", {"biopsy": ["positive", "012"]}),
        ({"kind": "key"}, "model.logits.seg", "model.logits.seg"),
        ({"kind": "path"}, "a b/c.csv", "a b/c.csv"),
        ({"kind": "choice", "choices": ("10", "18")}, "18", "18"),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_a_value_and_is_shown_as_typed(
    facts: dict[str, Any], typed: str, value: Any
) -> None:
    question = field(**{"default": None, **facts})
    question.set(typed)
    assert question.value == value
    assert type(question.value) is type(value)
    assert question.message == ("" if value is not None or facts.get("optional") else question.message)
    again = field(**facts)
    again.set(question.text())
    assert again.value == value


@pytest.mark.parametrize(
    ("facts", "typed", "words"),
    [
        ({"kind": "float", "minimum": 0, "open_minimum": True}, "0", "a number above 0"),
        ({"kind": "float", "maximum": 1}, "1.5", "at most 1"),
        ({"kind": "float"}, "0,5", "did you mean '0.5'?"),
        ({"kind": "float"}, "nan", "a number"),
        ({"kind": "float"}, "inf", "a number"),
        ({"kind": "int"}, "1.5", "a whole number"),
        ({"kind": "int", "minimum": 2}, "", "a value is needed"),
        ({"kind": "numbers", "length": 2}, "1", "2 numbers"),
        ({"kind": "numbers", "minimum": 0}, "1, -1", "at least 0"),
        ({"kind": "bool"}, "maybe", "true or false"),
        ({"kind": "choice", "choices": ("minmax", "zscore")}, "minmx", "did you mean 'minmax'?"),
        ({"kind": "key"}, "image", "data.input.image"),
        ({"kind": "text", "literal": True}, "{a: [1", "not readable"),
        ({"kind": "text", "literal": True}, "{a: !!python/none x}", "not allowed"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_explained_and_changes_nothing(facts: dict[str, Any], typed: str, words: str) -> None:
    good = {"float": 0.5, "int": 3, "numbers": [1, 2], "bool": True, "choice": "zscore", "key": "a.b", "text": "t"}
    question = field(**{**facts, "default": good[facts["kind"]]})
    edits: list[int] = []
    question.edited.connect(lambda: edits.append(1))
    before = question.value
    question.set(typed)
    assert words in question.message
    assert (question.value, question.plain(), edits) == (before, good[facts["kind"]], [])
    question.set(question.text())
    assert question.message == ""


def test_a_form_shows_every_default_exactly_and_writes_none_of_them() -> None:
    form = training()
    shown = {name: item.text() for name, item in form.items.items() if isinstance(item, Field)}
    assert shown["lr"] == "0.0001"
    assert shown["low"] == "-1000"
    assert shown["spacing"] == "0.5, 0.5, 1.25"
    assert shown["workers"] == ""
    assert shown["amp"] == "true"
    assert form.plain() == {}
    assert [item.label for item in form.walk() if item.message] == []


def test_only_what_was_edited_is_written_and_numbers_stay_as_typed() -> None:
    form = training()
    form.load({"classes": "012", "lr": "1e-4"})
    form.items["lr"].set("3e-5")  # type: ignore[attr-defined]
    form.items["low"].set("-1000.0")  # type: ignore[attr-defined]
    assert form.plain() == {"classes": "012", "lr": "3e-5"}
    assert "lr: 3e-5" in dump(form.plain())


def test_what_is_set_to_itself_is_no_edit() -> None:
    form, edits = training(), []
    form.load({"lr": "1e-4", "loss": {"Focal": {"pred": "model.logits.a"}}})
    form.edited.connect(lambda: edits.append(form.plain()))
    form.items["lr"].set(0.0001)  # type: ignore[attr-defined]
    form.items["loss"].choose("Focal")  # type: ignore[attr-defined]
    form.load(form.plain())
    assert edits == []
    assert form.plain()["lr"] == "1e-4"


def test_an_optional_value_can_be_emptied_and_is_written_as_none() -> None:
    form = training()
    workers = form.items["workers"]
    assert isinstance(workers, Field)
    workers.set("4")
    assert form.plain() == {"workers": "4"}
    workers.set("")
    assert (workers.value, form.plain()) == (None, {"workers": None})


def test_a_slot_keeps_what_was_typed_for_each_choice() -> None:
    slot = training().items["loss"]
    assert isinstance(slot, Slot)
    slot.choose("Focal")
    assert "a value is needed" in slot.form.items["pred"].message
    slot.form.items["gamma"].set("3.5")
    slot.choose("Dice")
    slot.form.items["smooth"].set("0.1")
    slot.choose("Focal")
    assert slot.plain() == {"Focal": {"gamma": "3.5"}}
    slot.choose("Dice")
    assert slot.plain() == {"Dice": {"smooth": "0.1"}}


def test_an_optional_group_is_none_or_a_mapping() -> None:
    form = training()
    balance = form.items["balance"]
    assert isinstance(balance, Slot)
    assert balance.options == ("", "Balance")
    balance.choose("Balance")
    balance.form.items["weights"].set("1, 2")
    assert form.plain() == {"balance": {"weights": ["1", "2"]}}
    balance.choose("")
    assert form.plain() == {"balance": None}


def test_named_items_are_added_renamed_sorted_and_removed() -> None:
    form = training()
    heads = form.items["heads"]
    assert isinstance(heads, FieldList)
    heads.add("Pooling")
    heads.add("Pooling")
    heads.add("Dense", "mask")
    assert heads.names == ["pooling", "pooling_2", "mask"]
    heads.rename(1, "mask")
    assert "taken" in heads.message
    heads.rename(1, "a.b")
    assert "cannot be a name" in heads.message
    heads.rename(1, "second")
    heads.move(2, -5)
    heads.remove(1)
    assert form.plain() == {"heads": {"mask": {"Dense": {}}, "second": {"Pooling": {}}}}
    assert heads.message == ""


def test_what_the_catalogue_does_not_know_is_kept_and_explained() -> None:
    form = training()
    data = {"loss": {"Dise": {"a": ["1"]}}, "learning": "2", "heads": "oops", "keys": ["data.input.image"]}
    form.load(data)
    assert form.plain() == data
    assert "did you mean 'Dice'?" in form.items["loss"].message
    assert "no field 'learning'" in form.message
    assert "not a list" in form.items["heads"].message
    form.drop_extra("learning")
    assert "learning" not in form.plain()


def test_a_key_field_offers_the_keys_that_are_produced() -> None:
    form = training()
    image, seen = form.items["image"], []
    assert isinstance(image, Field)
    assert image.choices == KEYS
    image.changed.connect(lambda: seen.append(image.choices))
    form.offers.set_keys(["data.input.other"])
    form.offers.set_keys(["data.input.other"])
    assert seen == [("data.input.other", "data.input.image")]


def test_a_problem_appears_at_the_field_it_is_about_and_goes_again() -> None:
    form = training()
    form.load({"heads": {"seg": {"Dense": {}}}, "keys": ["data.input.image"]})
    like = form.find(("heads", "seg", "Dense", "like"))
    assert like is form.find(("heads", "seg", "like"))
    form.show_problems([(("heads", "seg", "like"), "no such key"), (("keys", "0"), "odd"), (("zzz",), "far")])
    assert [item.message for item in form.walk() if item.message] == ["far", "odd", "no such key"]
    form.show_problems([])
    assert [item for item in form.walk() if item.message] == []


def test_items_of_a_list_survive_what_is_loaded_around_them() -> None:
    form = training()
    form.load({"heads": {"a": {"Pooling": {}}, "b": {"Dense": {}}}})
    b = form.find(("heads", "b"))
    b.find(("classes",)).set("one")
    form.load({"heads": {"b": {"Dense": {}}, "c": {"Pooling": {"classes": "3"}}}})
    assert form.find(("heads", "b")) is b
    assert "not a number" in b.find(("classes",)).message
    assert form.plain()["heads"] == {"b": {"Dense": {}}, "c": {"Pooling": {"classes": "3"}}}


def test_every_section_of_the_experiment_goes_through_its_form_unchanged() -> None:
    text = """
        data: {source: {Table: {path: a.csv}}, input: {image: [LoadImage, {Resize: {size: [8, 8]}}]}}
        model: {MultiHead: {inputs: [data.input.image], heads: {c: {Pool: {classes: 2}}}}}
        training: {optimizer: {Adam: {lr: 1e-8}}, stages: [{epochs: 2, freeze: backbone}, {epochs: 3, lr: 1e-5}]}
    """
    data = Experiment.from_text(text).to_data()
    form = Group(describe(Experiment), offers())
    form.load(data)
    assert form.plain() == data
    assert Experiment.from_text(dump(form.plain())) == Experiment.from_text(text)


def test_any_data_goes_through_a_form_unchanged() -> None:
    chance = random.Random(5)
    odd = ["1e-4", "no", "012", "", "x.y", "[", None, ["1"], {"a": "b"}, {"Dice": {}}, {"Nope": {"q": []}}, []]
    for _ in range(150):
        form = training()
        names = chance.sample([*form.items, "stranger"], 5)
        data = {name: chance.choice(odd) for name in names}
        form.load(data)
        assert form.plain() == data


def test_a_value_on_one_line_is_read_back() -> None:
    for value in ({"a": ["b", "no", "1e-4", "x: y", "'", None]}, ["[", "{", "", " b"], {"ü": {"c": []}}):
        assert parse_value(dump_value(value)) == value
    assert parse(f"v: {dump_value(['a', 'b'])}").data == {"v": ["a", "b"]}
