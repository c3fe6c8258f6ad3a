"""Mistakes that people make as they wire a model: each is one sentence at its field, with what puts it right."""

from __future__ import annotations

from typing import Any

import pytest

from fuse_engine.core.experiment import Experiment
from fuse_engine.run.check import check
from fuse_engine.run.fixes import with_fixes
from tests.engine.run.conftest import small

HEADS = ("model", "MultiHead", "heads")
CLS, SEG, AUC = ("losses", "cls"), ("losses", "seg"), ("metrics", "auc", "AUC")
LOGITS = {"pred": "model.logits.classifier", "target": "data.gt.classification"}
PIXELS = {"pred": "model.logits.segmentation", "target": "data.gt.segmentation"}
Case = tuple[tuple[str | int, ...], Any, str, str, str]

MISTAKES: dict[str, Case] = {
    "a key that nothing makes": (
        (*CLS, "CrossEntropy", "target"), "data.gt.clasification", "losses.cls.CrossEntropy.target",
        "nothing produces 'data.gt.clasification'", "Use 'data.gt.classification'",
    ),
    "a misspelt head": (
        (*CLS, "CrossEntropy", "pred"), "model.logits.clasifier", "losses.cls.CrossEntropy.pred",
        "nothing produces 'model.logits.clasifier'", "Use 'model.logits.classifier'",
    ),
    "softmax twice": (
        (*CLS, "CrossEntropy", "pred"), "model.output.classifier", "losses.cls.CrossEntropy.pred",
        "'model.output.classifier' has been through softmax already, CrossEntropy needs logits",
        "Use 'model.logits.classifier'",
    ),
    "a metric of probabilities on logits": (
        (*AUC, "pred"), "model.logits.classifier", "metrics.auc.AUC.pred",
        "'model.logits.classifier' holds logits, AUC needs what softmax makes of them",
        "Use 'model.output.classifier'",
    ),
    "an input in the place of an answer": (
        (*CLS, "CrossEntropy", "pred"), "data.input.image", "losses.cls.CrossEntropy.pred",
        "'data.input.image' is no answer of the model", "",
    ),
    "an answer in the place of the truth": (
        (*CLS, "CrossEntropy", "target"), "model.logits.classifier", "losses.cls.CrossEntropy.target",
        "'model.logits.classifier' is made by the model, CrossEntropy compares with the truth", "",
    ),
    "a vector beside an image": (
        ("model", "MultiHead", "inputs"), ["data.input.image", "data.input.clinical"], "model.MultiHead.inputs.1",
        "'data.input.clinical' and 'data.input.image' differ in size", "",
    ),
    "a vector into a backbone of images": (
        ("model", "MultiHead", "inputs"), ["data.input.clinical"], "model.MultiHead.backbone.ResNet",
        "got vectors", "",
    ),
    "an image among the table columns": (
        (*HEADS, "classifier", "GlobalPoolingClassifier", "tabular"), ["data.input.image"],
        "model.MultiHead.heads.classifier.GlobalPoolingClassifier.tabular.0", "'data.input.image' is no vector",
        "",
    ),
    "a label map as the class of a sample": (
        (*CLS, "CrossEntropy", "target"), "data.gt.segmentation", "losses.cls.CrossEntropy.target",
        "shapes do not fit; expected logits (batch, classes) and a target (batch,)",
        "Use 'data.gt.classification'",
    ),
    "a loss of pixels on a classifier": (
        (*SEG, "SegmentationCrossEntropy", "pred"), "model.logits.classifier",
        "losses.seg.SegmentationCrossEntropy.pred", "shapes do not fit", "Use 'model.logits.segmentation'",
    ),
    "a loss of classes on a map": (
        (*CLS, "CrossEntropy", "pred"), "model.logits.segmentation", "losses.cls.CrossEntropy.pred",
        "shapes do not fit", "Use 'model.logits.classifier'",
    ),
    "a sigmoid head under cross-entropy": (
        (*HEADS, "classifier"), {"GlobalPoolingMultiLabel": {"labels": 2}}, "losses.cls.CrossEntropy.pred",
        "CrossEntropy is for a head with softmax, 'classifier' has sigmoid", "Use BinaryCrossEntropy",
    ),
    "a softmax head under binary cross-entropy": (
        CLS, {"BinaryCrossEntropy": LOGITS}, "losses.cls.BinaryCrossEntropy.pred",
        "BinaryCrossEntropy is for a head with sigmoid, 'classifier' has softmax", "Use CrossEntropy",
    ),
    "a head of values under cross-entropy": (
        (*HEADS, "classifier"), {"GlobalPoolingRegression": {"values": 1}}, "losses.cls.CrossEntropy.pred",
        "CrossEntropy is for a head with softmax, 'classifier' has no activation", "Use MSE",
    ),
    "as many class weights as there are not classes": (
        (*CLS, "CrossEntropy", "class_weights"), [1, 2, 3], "losses.cls.CrossEntropy.class_weights",
        "one weight for each class is needed; expected 2 numbers; got 3", "",
    ),
    "everything frozen": (
        ("training", "stages", 0, "freeze"), ["backbone", "heads.classifier", "heads.segmentation"],
        "training.stages.0.freeze", "every part is frozen, so nothing can be learned", "",
    ),
    "a part that the model lacks": (
        ("training", "stages", 0, "freeze"), ["bakbone"], "training.stages.0.freeze",
        "the model has no part 'bakbone'", "Use 'backbone'",
    ),
    "names for other classes": (
        (*AUC, "names"), ["a", "b", "c"], "metrics.auc.AUC.names",
        "one name for each class is needed; expected 2 names; got 3", "",
    ),
    "a best epoch by a value that is not there": (
        ("training", "best", 0, "source"), "validation.metrics.auc.macro", "training.best.0.source",
        "no value 'validation.metrics.auc.macro'", "Use 'validation.metrics.auc.macro_avg'",
    ),
    "batches balanced by a label map": (
        ("data", "batch", "balance", "key"), "data.gt.segmentation", "data.batch.balance", "made from files", "",
    ),
    "a loss without a truth": (
        CLS, {"CrossEntropy": {"pred": "model.logits.classifier"}}, "losses.cls.CrossEntropy.target",
        "'target' is missing", "Use 'data.gt.classification'",
    ),
    "a map the size of a vector": (
        (*HEADS, "segmentation", "DenseSegmentation", "like"), "data.input.clinical",
        "model.MultiHead.heads.segmentation.DenseSegmentation.like",
        "'data.input.clinical' does not fit the 2-D input", "",
    ),
    "a backbone that does not exist": (
        ("model", "MultiHead", "backbone"), "ResNt", "model.MultiHead.backbone", "unknown backbone 'ResNt'",
        "Use 'ResNet'",
    ),
    "a field that does not exist": (
        (*CLS, "CrossEntropy", "smoothing"), 0.1, "losses.cls.CrossEntropy.smoothing",
        "unknown field 'smoothing'", "Call it 'label_smoothing'",
    ),
    "a metric in the place of a loss": (CLS, {"AUC": LOGITS}, "losses.cls", "(AUC is a metric)", ""),
    "a class to ignore that the head does not give": (
        SEG, {"Dice": {**PIXELS, "ignore": [5]}}, "losses.seg.Dice.ignore", "the ignored classes do not fit", "",
    ),
    "an image too small for the backbone": (
        ("model", "MultiHead", "backbone"), {"InceptionV3": {}}, "model.MultiHead.backbone.InceptionV3",
        "the image is too small for InceptionV3; expected at least 75 pixels", "",
    ),
    "an ensemble of a run that is not there": (
        ("model",), {"Ensemble": {"runs": ["20260101-000000-abcdef"]}}, "model.Ensemble.runs.0",
        "20260101-000000-abcdef", "",
    ),
    "an expression with a loss that does not exist": (
        CLS, {"Composite": {"expression": "0.1*CrosEntropy", **LOGITS}}, "losses.cls.Composite.expression",
        "CrosEntropy", "Use 'CrossEntropy'",
    ),
}  # fmt: skip


NOT_ALL = ("a sigmoid head under cross-entropy", "a head of values under cross-entropy")
"""What the new loss needs has to be said as well: its truth is another one."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A sound experiment that nobody writes to."""
    return small(tmp_path_factory.mktemp("sound") / "project")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence_at_its_field_and_its_fix_puts_it_right(sound: Experiment, name: str) -> None:
    place, value, where, message, title = MISTAKES[name]
    wrong = sound.changed(place, value)
    problems = check(wrong, samples=False)
    assert [problem.where for problem in problems] == [where], [str(problem) for problem in problems]
    assert message in str(problems[0])
    fixes = {fix["title"]: fix for fix in with_fixes(problems[0], wrong)["fixes"]}
    assert (title in fixes) if title else not fixes
    if title and name not in NOT_ALL:
        assert check(wrong.changed(fixes[title]["path"], fixes[title]["value"]), samples=False) == []


def test_more_classes_than_the_head_gives_are_counted_over_all_samples(tiny: Experiment) -> None:
    path = tiny.folder / "cohort.csv"
    path.write_text(path.read_text().replace(",positive,", ",third,", 1))
    classes = ["normal", "positive", "third"]
    wrong = tiny.changed(("data", "gt", "classification", 0, "Label", "classes"), classes)
    (problem,) = check(wrong)
    assert problem.where == "losses.cls.CrossEntropy.target"
    assert problem.message == "head 'classifier' gives 2 classes, 'data.gt.classification' holds {0, 1, 2}"
    (fix,) = with_fixes(problem, wrong)["fixes"]
    assert fix["title"] == "Set classes to 3"
    assert check(wrong.changed(fix["path"], fix["value"])) == []


def test_more_classes_in_a_label_map_than_the_head_gives(tiny: Experiment) -> None:
    masks = [{"LoadImage": {"column": "image", "label": "true"}}]  # grey values from 0 to 255 are no classes
    wrong = tiny.changed(("data", "gt", "segmentation"), masks)
    problem = check(wrong)[0]
    assert problem.message.startswith("head 'segmentation' gives 2 classes, 'data.gt.segmentation' holds {")
    assert problem.where == "losses.seg.SegmentationCrossEntropy.target"


def test_text_in_the_place_of_numbers(tiny: Experiment) -> None:
    steps = [{"Columns": {"names": ["finding"]}}]
    wrong = tiny.changed(("data", "gt", "classification"), steps).changed(("data", "batch", "balance"), None)
    problems = check(wrong)
    assert problems
    assert "finding" in str(problems[0])


def test_patches_too_small_for_the_backbone(tiny: Experiment) -> None:
    wrong = tiny.changed(("model", "MultiHead", "backbone"), {"VGG": {}})
    wrong = wrong.changed(("data", "patches"), {"RandomPatches": {"size": [16, 16]}})
    (problem,) = check(wrong)
    assert problem.where == "data.patches.RandomPatches.size"
    assert "the patches are too small for VGG; expected at least 32 pixels" in str(problem)
    (fix,) = with_fixes(problem, wrong)["fixes"]
    assert check(wrong.changed(fix["path"], fix["value"])) == []
