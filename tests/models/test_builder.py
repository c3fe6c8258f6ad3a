"""The Model panel: forms over the open experiment, problems at their fields, keys and shapes."""

from __future__ import annotations

import pytest

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.document import parse
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.model_presets import ModelKeys, model_preset
from fuse_gui.models.bound import in_short
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.field import Field
from fuse_gui.models.names import snake
from fuse_gui.models.project import Project
from tests.gui_engine import FakeEngine
from tests.gui_models import MODELS
from tests.gui_project import wait_for
from tests.gui_toys import CATALOG


@pytest.fixture
def model(toy_project: Project) -> BuilderModel:
    return BuilderModel(toy_project)


def field(model: BuilderModel, *place: str) -> Field:
    found = model.items[place[0]].find(place[1:])
    assert isinstance(found, Field)
    return found


def test_what_is_typed_stands_in_the_experiment(model: BuilderModel, toy_project: Project) -> None:
    before = toy_project.experiment
    field(model, "losses", "overlap", "Dice", "smooth").set("1e-8")
    assert toy_project.experiment is not None
    assert toy_project.experiment.losses["overlap"].args == {"smooth": "1e-8"}
    assert "smooth: 1e-8" in toy_project.as_yaml()
    toy_project.undo()
    assert toy_project.experiment == before
    assert field(model, "losses", "overlap", "Dice", "smooth").text() == "1"


def test_a_head_is_added_and_renamed(model: BuilderModel, toy_project: Project) -> None:
    heads = model.items["model"].find(("Net", "heads"))
    heads.add("Pooling")  # type: ignore[attr-defined]
    heads.rename(1, "birads")  # type: ignore[attr-defined]
    assert parse(toy_project.as_yaml()).data["model"] == {
        "Net": {"heads": {"seg": {"Dense": {"classes": "3"}}, "birads": {"Pooling": {"classes": "2"}}}}
    }


def test_looking_edits_nothing(toy_project: Project) -> None:
    before, edits = toy_project.as_yaml(), []
    toy_project.experiment_changed.connect(lambda: edits.append(1))
    model = BuilderModel(toy_project)
    toy_project.problems_changed.emit()
    toy_project.flow_changed.emit()
    for item in model.items.values():
        item.refresh()
    assert (toy_project.as_yaml(), edits, toy_project.can_undo) == (before, [], False)


def test_a_problem_stands_at_its_field_and_leads_there(toy_engine: FakeEngine, toy_project: Project) -> None:
    model = BuilderModel(toy_project)
    like = field(model, "model", "Net", "heads", "seg", "Dense", "like")
    wanted: list[str] = []
    like.wanted.connect(lambda: wanted.append("like"))
    problem = {
        "message": "does not fit",
        "where": "model.Net.heads.seg.like",
        "expected": "32 x 32",
        "got": "8 x 8",
    }
    toy_engine.answers["validate"] = [problem, {"message": "elsewhere", "where": "data.source"}]
    toy_project.check()
    assert like.message == "does not fit; expected 32 x 32; got 8 x 8"
    assert (len(model.problems), model.problems_label) == (1, "Problems (1)")
    model.focus(model.problems[0])
    assert wanted == ["like"]
    toy_engine.answers["validate"] = []
    toy_project.check()
    assert (like.message, model.problems) == ("", ())


def test_keys_come_from_what_the_experiment_produces(toy_engine: FakeEngine, toy_project: Project) -> None:
    model = BuilderModel(toy_project)
    toy_engine.answers["flow"] = [
        {
            "key": "model.logits.seg",
            "shape": [3, 8, 8],
            "dtype": "float32",
            "producer": "seg",
            "consumers": ["hard"],
        },
        {"key": "data.gt.label", "shape": [], "dtype": "int64", "producer": "Label", "consumers": []},
    ]
    toy_project.check()
    assert field(model, "losses", "hard", "Focal", "pred").choices[1:] == ("model.logits.seg", "data.gt.label")
    assert list(model.rows) == [
        ("model.logits.seg", "3 × 8 × 8", "float32", "seg", "hard"),
        ("data.gt.label", "one number", "int64", "Label", ""),
    ]


def test_a_catalogue_that_comes_late_fills_the_forms(toy_engine: FakeEngine, toy_project: Project) -> None:
    toy_project.catalog = Catalog()
    model = BuilderModel(toy_project)
    before = toy_project.as_yaml()
    assert "unknown model 'Net'" in model.items["model"].message
    toy_project.catalog = CATALOG
    toy_project.catalog_changed.emit()
    assert [item.message for part in model.items.values() for item in part.walk() if item.message] == []
    assert field(model, "model", "Net", "heads", "seg", "Dense", "classes").value == 3
    assert toy_project.as_yaml() == before


def test_another_experiment_fills_the_same_forms(model: BuilderModel, toy_project: Project) -> None:
    text = "data: {source: {Table: {path: b.csv}}, input: {}}\nmodel: {Net: {heads: {}}}"
    toy_project.start_with(Experiment.from_text(text))
    assert (model.items["losses"].plain(), model.items["model"].plain()) == ({}, {"Net": {"heads": {}}})


def test_a_bad_value_survives_what_else_is_edited(model: BuilderModel, toy_project: Project) -> None:
    smooth = field(model, "losses", "overlap", "Dice", "smooth")
    smooth.set("-1")
    field(model, "losses", "hard", "Focal", "gamma").set("3")
    assert "at least 0" in smooth.message
    assert toy_project.experiment is not None
    assert toy_project.experiment.losses["overlap"].args == {"smooth": "1"}


def test_the_experiment_is_shown_as_text(model: BuilderModel, toy_project: Project) -> None:
    texts = {}
    for face in model.as_text.faces:
        model.as_text.choose(face)
        texts[face] = model.as_text.text
    assert texts["YAML"] == toy_project.as_yaml()
    compile(texts["Python"], "experiment.py", "exec")
    assert texts["Command"].startswith("fuse-gui train")


def test_edits_reach_the_check_without_being_asked_for(toy_engine: FakeEngine, model: BuilderModel) -> None:
    toy_engine.asked.clear()
    field(model, "losses", "overlap", "Dice", "smooth").set("2")
    wait_for(lambda: toy_engine.methods() == ["validate", "flow"])
    assert "smooth: 2" in toy_engine.asked[0][1]["experiment"]


@pytest.mark.parametrize(
    ("component", "name"),
    [("CrossEntropy", "cross_entropy"), ("IoU", "iou"), ("HD95", "hd95"), ("AUCPerPixel", "auc_per_pixel"),
     ("BackboneUNet", "backbone_u_net"), ("double seg", "double_seg")],
)  # fmt: skip
def test_a_component_gives_an_item_its_name(component: str, name: str) -> None:
    assert snake(component) == name


def test_a_backbone_goes_to_the_stream_that_is_chosen(toy_project: Project) -> None:
    streams = {name: {"inputs": ["data.input.image"], "backbone": {"Swin": {}}} for name in ("ct", "pet")}
    toy_project.catalog = MODELS
    toy_project.edit(("model",), {"Multistream": {"streams": streams, "heads": {}}})
    model = BuilderModel(toy_project)
    model.palette.search("residual")
    (resnet,) = model.palette.parts
    model.chosen_place = "model.Multistream.streams.pet.inputs"
    assert "Goes to streams pet backbone; for another place choose it in the drawing." in model.palette.told(
        resnet
    )
    model.palette.add(resnet)
    assert toy_project.experiment is not None
    found = toy_project.experiment.model.args["streams"]
    assert (found["ct"]["backbone"], found["pet"]["backbone"]) == ({"Swin": {}}, {"ResNet": {}})


def test_what_there_is_is_named_in_a_few_words() -> None:
    problem = Problem("unknown processor 'X'", expected=f"one of {', '.join('abcdefghij')}", nearest="a")
    assert in_short(problem) == (
        "unknown processor 'X'; expected one of a, b, c, d, e, f, … (10 in all); did you mean 'a'?"
    )


def test_a_template_says_what_is_missing_and_where_it_would_be_found() -> None:
    with pytest.raises(
        FuseError, match="needs a ground truth of one number; expected steps .* e.g. Number, .*none"
    ):
        model_preset("regression").fill(ModelKeys(images=("data.input.image",)))
