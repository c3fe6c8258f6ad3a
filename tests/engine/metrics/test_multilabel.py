from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from fuse_engine.core.errors import FuseError
from fuse_engine.metrics import (
    AUC,
    AUCPR,
    BSS,
    F1,
    MCC,
    Accuracy,
    BalancedAccuracy,
    ConfusionMatrix,
    Metric,
    OperatingPoint,
)
from tests.engine.metrics.scores import KEYS, classification, labels, measured

NAMES = ["mass", "calcification", "asymmetry"]


@pytest.mark.parametrize(
    ("metric", "reference", "ranks"),
    [
        (AUC(**KEYS, names=NAMES), sk.roc_auc_score, True),
        (AUCPR(**KEYS, names=NAMES), sk.average_precision_score, True),
        (F1(**KEYS, names=NAMES), sk.f1_score, False),
        (MCC(**KEYS, names=NAMES), sk.matthews_corrcoef, False),
        (Accuracy(**KEYS, names=NAMES), sk.accuracy_score, False),
        (BalancedAccuracy(**KEYS, names=NAMES), sk.balanced_accuracy_score, False),
    ],
)
def test_each_label_is_measured_by_itself(metric: Metric, reference: object, ranks: bool) -> None:
    scores, target = labels(120, 3)
    found = scores if ranks else (scores >= 0.5).long()
    each = {name: reference(target[:, i], found[:, i]) for i, name in enumerate(NAMES)}
    expected = {**each, "macro_avg": np.mean(list(each.values()))}
    assert measured(metric, scores, target) == pytest.approx(expected)


def test_a_label_has_its_own_threshold_and_four_numbers() -> None:
    scores, target = labels(120, 3)
    metric = ConfusionMatrix(**KEYS, names=NAMES, thresholds={"asymmetry": 0.2})
    found = measured(metric, scores, target)
    for index, limit in enumerate((0.5, 0.5, 0.2)):
        expected = sk.confusion_matrix(target[:, index], scores[:, index] >= limit).ravel()
        assert list(found[NAMES[index]].values()) == expected.tolist()
    assert list(found["mass"]) == ["tn", "fp", "fn", "tp"]


def test_a_label_that_nobody_has_is_left_out_of_the_mean() -> None:
    scores, target = labels(50, 2)
    target[:, 1] = 0
    found = measured(AUC(**KEYS), scores, target)
    assert np.isnan(found["1"])
    assert found["macro_avg"] == found["0"]


def test_samples_are_ordered_by_how_right_their_labels_are() -> None:
    scores = torch.tensor([[0.9, 0.2], [0.4, 0.6]])
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert AUC(**KEYS).per_sample(AUC(**KEYS).collect(scores, target)) == pytest.approx([0.85, 0.4])
    assert F1(**KEYS).per_sample(F1(**KEYS).collect(scores, target)).tolist() == [1.0, 0.0]


def test_one_output_alone_is_one_label() -> None:
    scores, target = classification(80, 2)
    alone = measured(AUC(**KEYS), scores[:, 1:], target)
    assert alone["0"] == measured(AUC(**KEYS), scores, target)["1"]
    assert measured(F1(**KEYS), scores[:, 1:], target)["0"] == measured(F1(**KEYS), scores, target)["1"]


def test_other_figures_know_labels_too() -> None:
    scores, target = labels(60, 3)
    for metric in (BSS(**KEYS), OperatingPoint(**KEYS)):
        assert set(measured(metric, scores, target)) >= {"0", "1", "2"}
    only = measured(BSS(**KEYS), scores[:, :1], target[:, :1])["0"]
    share = float(target[:, 0].mean())
    reference = sk.brier_score_loss(target[:, 0], np.full(60, share))
    assert only == pytest.approx(1 - sk.brier_score_loss(target[:, 0], scores[:, 0]) / reference)


def test_what_is_no_label_is_named() -> None:
    scores, target = labels(5, 3)
    with pytest.raises(
        FuseError,
        match=r"'data\.gt\.target' holds no labels; expected 0 or 1 for each label, or `missing` to say.*; got 2",
    ):
        AUC(**KEYS).collect(scores, target + 1)
    with pytest.raises(FuseError, match=r"got \(5, 3\) and \(5, 2\)"):
        AUC(**KEYS).collect(scores, target[:, :2])
    with pytest.raises(FuseError, match="expected values from 0 to 1, e.g. model.output"):
        F1(**KEYS).collect(4 * scores, target)
