"""What a part starts with, what follows a rename, and which template an experiment can take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fuse_engine.core.component_presets import component_presets, save_component_preset
from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.model_presets import ModelKeys, model_preset
from fuse_gui.models.key_facts import KeyFact, facts_of
from fuse_gui.models.renaming import follow, renamed
from fuse_gui.models.scene import Scene
from fuse_gui.models.templates import keys_of
from tests.gui_graph import graph
from tests.gui_models import MODELS

KEYS = facts_of(graph()["keys"])


def scene(facts: dict[str, KeyFact] | None = None) -> Scene:
    return Scene(Experiment.from_preset("mammography"), MODELS, KEYS if facts is None else facts)


@pytest.mark.parametrize(
    ("kind", "name", "pred", "target"),
    [
        ("loss", "CrossEntropy", "model.logits.classifier", "data.gt.classification"),
        ("loss", "SegmentationCrossEntropy", "model.logits.segmentation", "data.gt.segmentation"),
        ("metric", "AUC", "model.output.classifier", "data.gt.classification"),
        ("metric", "IoU", "model.output.segmentation", "data.gt.segmentation"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_prediction_and_truth_fit_each_other_with_and_without_shapes(
    kind: str, name: str, pred: str, target: str, known: bool
) -> None:
    found = scene(None if known else {}).starts.of(MODELS.of(kind)[name])
    assert (found["pred"], found["target"]) == (pred, target)


def test_a_metric_names_the_classes_of_its_truth() -> None:
    assert scene().starts.of(MODELS.of("metric")["AUC"])["names"] == ["negative", "positive"]
    assert "names" not in scene().starts.of(MODELS.of("metric")["IoU"])


def test_a_key_fits_a_role_by_what_the_engine_says_and_else_by_branch_and_shape() -> None:
    image, vector = KEYS["data.input.image"], KEYS["data.input.clinical"]
    assert [fact.fits(role) for fact in (image, vector) for role in ("image", "vector", "input", "truth", "")] == [
        True, False, True, False, True, False, True, True, False, True,
    ]  # fmt: skip
    assert KeyFact("data.input.x").fits("image")
    assert not KeyFact("model.backbone_features", (512, 4, 4)).fits("image")
    assert image.goes_with([KeyFact("data.input.b", (3, 256, 256))])
    assert not image.goes_with([KeyFact("data.input.b", (1, 128, 128))])


def test_a_rename_is_told_from_any_other_change() -> None:
    before = {"MultiHead": {"heads": {"a": {"H": {}}, "b": {"H": {"n": "1"}}}}}
    assert renamed(before, {"MultiHead": {"heads": {"a": {"H": {}}, "c": {"H": {"n": "1"}}}}}) == ("b", "c")
    assert renamed(before, {"MultiHead": {"heads": {"b": {"H": {"n": "1"}}, "a": {"H": {}}}}}) is None
    assert renamed(before, {"Wrap": {"heads": {}}}) is None
    assert renamed(before, before) is None


def test_the_best_epoch_follows_the_new_name_of_its_metric() -> None:
    data = Experiment.from_preset("mammography").to_data()
    best = follow(data, "metrics", "auc", "area")["training"]["best"]
    assert best[0]["source"] == "validation.metrics.area.macro_avg"


def test_a_project_says_what_it_offers_a_model() -> None:
    keys = keys_of(scene())
    assert keys == ModelKeys(
        ("data.input.image",), ("data.input.clinical",), {"data.gt.classification": 2}, {"data.gt.segmentation": 2}
    )


def test_a_template_refuses_a_project_without_what_it_needs() -> None:
    with pytest.raises(FuseError, match="'Siamese' needs 2 images among the inputs; .*; got data.input.image"):
        model_preset("siamese").fill(ModelKeys(("data.input.image",), classes={"data.gt.a": 2}))
    with pytest.raises(FuseError, match="needs a label map among the ground truths"):
        model_preset("segmentation").fill(ModelKeys(("data.input.image",)))
    with pytest.raises(FuseError, match="did you mean 'siamese'"):
        model_preset("siames")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "x" * 61, "a\nb"])
def test_a_preset_stays_in_its_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSE_PRESETS", str(tmp_path / "kept"))
    with pytest.raises(FuseError, match="cannot be a name"):
        save_component_preset("loss", name, {"Dice": {}})
    assert os.listdir(tmp_path) == []


def test_a_broken_preset_file_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSE_PRESETS", str(tmp_path))
    kept = save_component_preset("loss", "my dice", {"Dice": {"smooth": 1e-5}})
    (tmp_path / "loss" / "evil.yaml").write_text("!!python/object/apply:os.system ['true']")
    (tmp_path / "loss" / "two.yaml").write_text("Dice: {}\nFocal: {}")
    presets, problems = component_presets()
    assert [(p.name, p.component, p.args) for p in presets] == [("my dice", "Dice", {"smooth": "1e-05"})]
    assert kept.name == "my dice"
    assert sorted(p.source.partition(":")[0] for p in problems) == ["evil.yaml", "two.yaml"]
