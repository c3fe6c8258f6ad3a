from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream
from fuse_engine.metrics import AUC, Accuracy, Dice, IoU
from fuse_engine.metrics.base import Rows

KEYS: dict[str, Any] = {"pred": "model.output.head", "target": "data.gt.target"}


def together(*rows: Rows) -> Rows:
    return {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


def classification(samples: int, classes: int, decimals: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("metrics", samples, classes)
    target = rng.integers(0, classes, samples)
    logits = rng.normal(size=(samples, classes)) + 1.5 * np.eye(classes)[target]
    scores = np.round(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), decimals)
    return torch.from_numpy(scores / scores.sum(1, keepdims=True)), torch.from_numpy(target)


def segmentation(size: tuple[int, ...], classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = stream("overlap", *size)
    target = torch.from_numpy(rng.integers(0, classes, (4, 1, *size)))
    noise = torch.from_numpy(rng.normal(size=(4, classes, *size)))
    return noise + 1.5 * torch.nn.functional.one_hot(target[:, 0], classes).movedim(-1, 1), target


def test_accuracy_agrees_with_sklearn_over_batches() -> None:
    scores, target = classification(101, 3)
    metric = Accuracy(**KEYS)
    rows = together(*(metric.collect(scores[at : at + 8], target[at : at + 8]) for at in range(0, 101, 8)))
    assert metric.result(rows) == pytest.approx(sk.accuracy_score(target, scores.argmax(1)))
    assert metric.per_sample(rows).tolist() == (scores.argmax(1) == target).double().tolist()


@pytest.mark.parametrize("decimals", [1, 6])
def test_auc_of_two_classes_is_that_of_the_positive_one(decimals: int) -> None:
    scores, target = classification(200, 2, decimals)  # with one decimal nearly all scores are tied
    metric = AUC(**KEYS, names=["normal", "positive"])
    found = metric.result(metric.collect(scores, target))
    expected = sk.roc_auc_score(target, scores[:, 1])
    assert found == {"positive": pytest.approx(expected), "macro_avg": pytest.approx(expected)}


def test_auc_of_several_classes_is_each_against_the_rest() -> None:
    scores, target = classification(150, 4)
    metric = AUC(**KEYS)
    found = metric.result(metric.collect(scores, target))
    for index in range(4):
        assert found[str(index)] == pytest.approx(sk.roc_auc_score(target == index, scores[:, index]))
    assert found["macro_avg"] == pytest.approx(
        sk.roc_auc_score(target, scores, multi_class="ovr", average="macro")
    )


def test_what_is_undefined_is_nan_and_never_zero() -> None:
    scores, target = classification(30, 2)
    metric = AUC(**KEYS)
    assert np.isnan(list(metric.result(metric.collect(scores, torch.zeros_like(target))).values())).all()
    three, labels = classification(40, 3)
    found = metric.result(metric.collect(three, labels.clamp(max=1)))
    assert np.isnan(found["2"])
    assert found["macro_avg"] == pytest.approx((found["0"] + found["1"]) / 2)
    three[5] = float("nan")
    assert np.isnan(metric.result(metric.collect(three, labels))["macro_avg"])


def test_auc_finds_the_worst_case_and_refuses_logits() -> None:
    scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    metric = AUC(**KEYS)
    rows = metric.collect(scores, torch.tensor([0, 1, 1]))
    assert metric.per_sample(rows).tolist() == pytest.approx([0.9, 0.8, 0.3])
    with pytest.raises(FuseError, match=r"'model\.output\.head' does not hold probabilities"):
        metric.collect(torch.tensor([[2.0, -1.0]]), torch.tensor([0]))


@pytest.mark.parametrize("size", [(16, 12), (6, 8, 7)])
def test_overlap_is_counted_over_the_pixels_of_all_samples(size: tuple[int, ...]) -> None:
    logits, target = segmentation(size)
    truth, found = target.flatten(), logits.argmax(1).flatten()
    for metric, reference in ((IoU(**KEYS), sk.jaccard_score), (Dice(**KEYS), sk.f1_score)):
        rows = together(metric.collect(logits[:3], target[:3]), metric.collect(logits[3:], target[3:]))
        result = metric.result(rows)
        assert [result[name] for name in "012"] == pytest.approx(reference(truth, found, average=None).tolist())
        assert result["macro_avg"] == pytest.approx(reference(truth, found, average="macro"))
        each = [reference(target[i].flatten(), logits[i].argmax(0).flatten(), average="macro") for i in range(4)]
        assert metric.per_sample(rows).tolist() == pytest.approx(each)


def test_labels_are_told_apart() -> None:
    """Where the original gave 0.8 for both classes (fuse-med-ml: labels never separated)."""
    target = torch.tensor([[[[0, 0, 1, 1, 2, 2]]]])
    found = torch.tensor([[[[0, 0, 1, 2, 2, 2]]]])
    pred = torch.nn.functional.one_hot(found[:, 0], 3).movedim(-1, 1).float()
    metric = IoU(**KEYS, names=["background", "liver", "tumour"])
    result = metric.result(metric.collect(pred, target))
    assert result["liver"] == pytest.approx(1 / 2)
    assert result["tumour"] == pytest.approx(2 / 3)


def test_an_empty_truth_is_zero_when_something_is_predicted_and_nan_when_not() -> None:
    target = torch.zeros(2, 1, 4, 4, dtype=torch.int64)
    pred = torch.zeros(2, 2, 4, 4)
    pred[:, 0] = 1
    pred[0, 1, 1, 1] = 2
    for metric in (IoU(**KEYS, ignore=[0]), Dice(**KEYS, ignore=[0])):
        rows = metric.collect(pred, target)
        assert metric.per_sample(rows)[0] == 0
        assert np.isnan(metric.per_sample(rows)[1])
        assert metric.result(rows)["1"] == 0
        alone = metric.result(metric.collect(pred[1:], target[1:]))
        assert alone["0"] == 1
        assert np.isnan(alone["1"])
        assert np.isnan(alone["macro_avg"])


def test_overlap_is_measured_on_the_grid_of_the_truth() -> None:
    target = torch.zeros(1, 1, 8, 8, dtype=torch.int64)
    target[..., 4:, :6] = 1
    small = torch.nn.functional.one_hot(target[:, 0, ::2, ::2], 2).movedim(-1, 1).float()
    metric = Dice(**KEYS)
    assert metric.result(metric.collect(small, target))["macro_avg"] == 1


def test_what_does_not_fit_is_named() -> None:
    logits, target = segmentation((4, 4))
    with pytest.raises(FuseError, match=r"data\.gt\.target' holds the class 3, the model predicts 3 classes"):
        IoU(**KEYS).collect(logits, target + 1)
    with pytest.raises(
        FuseError, match=r"data\.gt\.target' holds no classes; expected whole numbers; got torch\.float32"
    ):
        IoU(**KEYS).collect(logits, target.float())
    with pytest.raises(FuseError, match="one name for each class is needed; expected 3 names; got 1"):
        IoU(**KEYS, names=["lesion"]).collect(logits, target)
    with pytest.raises(FuseError, match="ignored classes do not fit"):
        Dice(**KEYS, ignore=[7]).collect(logits, target)
    with pytest.raises(FuseError, match=r"got \(4, 3, 4, 4\) and \(4, 4, 4\)"):
        Dice(**KEYS).collect(logits, target[:, 0])
    with pytest.raises(FuseError, match=r"predictions \(batch, classes\)"):
        Accuracy(**KEYS).collect(logits, target)


def test_a_batch_is_read_by_the_keys() -> None:
    scores, target = classification(10, 2)
    batch = NestedDict({"model.output.head": scores, "data.gt.target": target})
    assert Accuracy(**KEYS).rows(batch)["right"].shape == (10,)


def test_predictions_that_are_no_numbers_are_no_success() -> None:
    scores, target = classification(5, 3)
    scores[2] = float("nan")
    metric = Accuracy(**KEYS)
    rows = metric.collect(scores, target)
    assert np.isnan(metric.result(rows))
    assert np.isnan(metric.per_sample(rows)).tolist() == [False, False, True, False, False]
    maps, truth = segmentation((6, 5))
    maps[1, 2, 3, 3] = float("nan")
    overlap = Dice(**KEYS)
    rows = overlap.collect(maps, truth)
    assert np.isnan(list(overlap.result(rows).values())).all()
    assert np.isnan(overlap.per_sample(rows)).tolist() == [False, True, False, False]
