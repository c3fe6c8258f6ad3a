from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError
from fuse_engine.metrics import (
    AUC,
    AUCPR,
    BSS,
    F1,
    MCC,
    PPV,
    Accuracy,
    BalancedAccuracy,
    CalibrationError,
    ConfusionMatrix,
    Metric,
    PartialAUC,
    Sensitivity,
    Specificity,
)
from tests.engine.metrics.scores import KEYS, classification, figures, measured, together

Reference = Callable[[Any, Any], Any]


def test_accuracy_agrees_with_sklearn_over_batches() -> None:
    scores, target = classification(101, 3)
    metric = Accuracy(**KEYS)
    rows = together(*(metric.collect(scores[at : at + 8], target[at : at + 8]) for at in range(0, 101, 8)))
    assert metric.result(rows) == pytest.approx(sk.accuracy_score(target, scores.argmax(1)))
    assert metric.per_sample(rows).tolist() == (scores.argmax(1) == target).double().tolist()


def test_figures_of_all_classes_agree_with_sklearn() -> None:
    scores, target = classification(150, 4)
    found = scores.argmax(1)
    assert measured(BalancedAccuracy(**KEYS), scores, target) == pytest.approx(
        sk.balanced_accuracy_score(target, found)
    )
    assert measured(MCC(**KEYS), scores, target) == pytest.approx(sk.matthews_corrcoef(target, found))
    matrix = figures(measured(ConfusionMatrix(**KEYS), scores, target)).reshape(4, 4)
    assert (matrix == sk.confusion_matrix(target, found)).all()


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        (F1(**KEYS), sk.f1_score),
        (Sensitivity(**KEYS), sk.recall_score),
        (PPV(**KEYS), sk.precision_score),
    ],
)
def test_figures_of_each_class_agree_with_sklearn(metric: Metric, reference: Any) -> None:
    scores, target = classification(150, 4)
    found = measured(metric, scores, target)
    each = reference(target, scores.argmax(1), average=None)
    assert [found[name] for name in "0123"] == pytest.approx(each.tolist())
    assert found["macro_avg"] == pytest.approx(reference(target, scores.argmax(1), average="macro"))


@pytest.mark.parametrize("decimals", [1, 6])
@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        (AUC(**KEYS), sk.roc_auc_score),
        (AUCPR(**KEYS), sk.average_precision_score),
        (PartialAUC(**KEYS, limit=0.3), lambda truth, score: sk.roc_auc_score(truth, score, max_fpr=0.3)),
        (PartialAUC(**KEYS, limit=0.05), lambda truth, score: sk.roc_auc_score(truth, score, max_fpr=0.05)),
    ],
)
def test_areas_of_each_class_against_the_rest_agree_with_sklearn(
    metric: Metric, reference: Reference, decimals: int
) -> None:
    for classes in (2, 4):  # with one decimal nearly all scores are tied
        scores, target = classification(200, classes, decimals)
        found = measured(metric, scores, target)
        each = {str(i): reference(target == i, scores[:, i]) for i in range(classes)[1 if classes == 2 else 0 :]}
        assert found == pytest.approx({**each, "macro_avg": np.mean(list(each.values()))})


def test_the_area_above_a_sensitivity_is_the_hand_value() -> None:
    """The curve goes from (0, 0.5) to (0.25, 0.5), up to (0.25, 1), and on to (1, 1)."""
    scores = torch.tensor([0.9, 0.6, 0.7, 0.3, 0.2, 0.1], dtype=torch.float64)
    target = torch.tensor([1, 1, 0, 0, 0, 0])
    metric = PartialAUC(**KEYS, definition="min_sensitivity", limit=0.5)
    found = measured(metric, torch.stack([1 - scores, scores], 1), target)
    assert found["1"] == pytest.approx(0.75 * 0.5 / (1 - 0.5))
    whole = PartialAUC(**KEYS, definition="min_sensitivity", limit=0)
    assert measured(whole, torch.stack([1 - scores, scores], 1), target)["1"] == pytest.approx(7 / 8)


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 1, "definition": "min_sensitivity"}])
def test_a_limit_that_leaves_nothing_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a limit that leaves some of the curve"):
        PartialAUC(**KEYS, **arguments)


EVERY: list[Metric] = [
    kind(**KEYS)
    for kind in (AUC, AUCPR, PartialAUC, Accuracy, BalancedAccuracy, MCC, F1, Sensitivity, Specificity, PPV, BSS)
] + [CalibrationError(**KEYS)]  # fmt: skip


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name())
def test_what_is_no_number_or_not_there_is_nan_and_never_zero(metric: Metric) -> None:
    scores, target = classification(30, 3)
    rows = metric.collect(scores, target)
    assert np.isnan(figures(metric.result({name: row[:0] for name, row in rows.items()}))).all()
    assert len(figures(metric.result({name: row[:1] for name, row in rows.items()}))) > 0
    scores[5] = float("nan")
    rows = metric.collect(scores, target)
    assert np.isnan(figures(metric.result(rows))).all()
    assert np.isnan(metric.per_sample(rows)).nonzero()[0].tolist() == [5]


@pytest.mark.parametrize("metric", [AUC(**KEYS), AUCPR(**KEYS), PartialAUC(**KEYS), Sensitivity(**KEYS)])
def test_a_class_without_samples_is_nan_and_left_out_of_the_mean(metric: Metric) -> None:
    scores, target = classification(40, 3)
    found = measured(metric, scores, target.clamp(max=1))
    assert np.isnan(found["2"])
    assert found["macro_avg"] == pytest.approx((found["0"] + found["1"]) / 2)


def test_one_class_alone_leaves_nothing_to_tell_apart() -> None:
    scores, target = classification(30, 2)
    alone = torch.zeros_like(target)
    for metric in (AUC(**KEYS), AUCPR(**KEYS), PartialAUC(**KEYS), MCC(**KEYS), BSS(**KEYS)):
        assert np.isnan(figures(measured(metric, scores, alone))).all()
    constant = torch.tensor([[0.7, 0.3]]).expand(30, 2).double()
    assert measured(MCC(**KEYS), constant, target) == 0
    assert measured(AUC(**KEYS), constant, target)["1"] == 0.5
    assert measured(F1(**KEYS), constant, target)["1"] == 0
    assert np.isnan(measured(PPV(**KEYS), constant, target)["1"])


def test_the_brier_skill_is_measured_against_the_shares_of_the_classes() -> None:
    scores, target = classification(200, 2)
    share = float(target.double().mean())
    reference = sk.brier_score_loss(target, np.full(200, share))
    expected = 1 - sk.brier_score_loss(target, scores[:, 1]) / reference
    assert measured(BSS(**KEYS), scores, target) == pytest.approx(expected)
    shares = torch.tensor([[1 - share, share]], dtype=torch.float64).expand(200, 2)
    assert measured(BSS(**KEYS), shares, target) == pytest.approx(0, abs=1e-12)


def test_the_worst_case_is_found_and_logits_are_refused() -> None:
    scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    metric = AUC(**KEYS)
    rows = metric.collect(scores, torch.tensor([0, 1, 1]))
    assert metric.per_sample(rows).tolist() == pytest.approx([0.9, 0.8, 0.3])
    with pytest.raises(FuseError, match=r"'model\.output\.head' does not hold probabilities"):
        metric.collect(torch.tensor([[2.0, -1.0]]), torch.tensor([0]))


def test_names_stand_in_the_result_and_a_wrong_shape_is_named() -> None:
    scores, target = classification(20, 2)
    metric = AUC(**KEYS, names=["normal", "positive"])
    assert set(measured(metric, scores, target)) == {"positive", "macro_avg"}
    with pytest.raises(FuseError, match="one name for each class is needed; expected 2 names; got 1"):
        AUC(**KEYS, names=["lesion"]).collect(scores, target)
    with pytest.raises(FuseError, match=r"predictions \(batch, classes\)"):
        Accuracy(**KEYS).collect(torch.rand(4, 2, 3, 3), target[:4])
    with pytest.raises(FuseError, match="the model predicts 2 classes"):
        Accuracy(**KEYS).collect(scores, target + 1)


def test_a_batch_is_read_by_the_keys() -> None:
    scores, target = classification(10, 2)
    batch = NestedDict({"model.output.head": scores, "data.gt.target": target})
    assert Accuracy(**KEYS).rows(batch)["pred"].shape == (10, 2)
